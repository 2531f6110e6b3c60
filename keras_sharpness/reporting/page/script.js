"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);

function add(parent, tag, text = "") {
  const element = parent.appendChild(document.createElement(tag));
  element.textContent = text;
  return element;
}

function draw(parent, tag, attributes, text = "") {
  const element = parent.appendChild(document.createElementNS("http://www.w3.org/2000/svg", tag));
  for (const name in attributes) element.setAttribute(name, attributes[name]);
  element.textContent = text;
  return element;
}

// Numbers, axes and their ticks

const minus = (text) => text.replace("-", "−");
const raised = (digits) => digits.replace(/./g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"["0123456789-".indexOf(digit)]);

function scientific(value, digits = 5) {
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  const factor = Number(mantissa) === 1 ? "" : `${minus(String(Number(mantissa)))}×`;
  return value ? `${factor}10${raised(String(Number(exponent)))}` : "0";
}

function show(value, digits = 5) {
  if (value === null) return "–";
  const size = Math.abs(value);
  return value && (size < 1e-3 || size >= 1e5) ? scientific(value) : minus(String(Number(value.toPrecision(digits))));
}

function linearTicks([low, high], most) {
  const power = 10 ** Math.floor(Math.log10((high - low) / most));
  const size = [1, 2, 2.5, 5, 10].find((size) => (high - low) / (size * power) <= most), step = size * power;
  const first = Math.ceil(low / step), count = Math.floor(high / step) - first + 1;
  const decimals = Math.max(0, (size === 2.5) - Math.floor(Math.log10(step) + 1e-9));
  const largest = Math.max(-low, high), plain = largest >= 2e-3 && largest < 1e5 && decimals < 10;
  return Array.from({ length: count }, (_, place) => (first + place) * step)
    .map((value) => [value, plain ? minus(value.toFixed(decimals)) : scientific(value)]);
}

function logTicks([low, high], most) {
  const plain = low >= 1e-3 && high < 1e5;
  for (const [every, mantissas] of [[1, [1, 2, 5]], [1, [1, 3]], [1, [1]], [2, [1]], [5, [1]], [20, [1]], [100, [1]]]) {
    const found = [];
    for (let exponent = -400; exponent < 400; exponent += every)
      found.push(...mantissas.map((mantissa) => Number(`${mantissa}e${exponent}`)).filter((tick) => tick >= low && tick <= high));
    if (found.length <= most) return found.map((value) => [value, plain ? show(value) : scientific(value)]);
  }
  return [];
}

function place(axis, from, to) {
  const measure = axis.scale === "log" ? Math.log10 : Number;
  const [low, high] = axis.limits.map(measure);
  axis.at = (value) => from + ((measure(value) - low) / (high - low)) * (to - from);
  axis.far = (value) => value < axis.limits[0] || value > axis.limits[1];
}

const ticks = (axis, length) => (axis.scale === "log" ? logTicks : linearTicks)(axis.limits, Math.max(2, length / 70));

// Clears a drawing and gives it axes; an axis without a label has no ticks either.
function frame(svg, height, x, y) {
  const width = svg.parentNode.clientWidth, top = 28, bottom = height - 44, right = width - 10;
  svg.replaceChildren();
  svg.setAttribute("width", width);
  svg.setAttribute("height", height);
  const rows = y.label ? ticks(y, 1.4 * (bottom - top)) : [];
  const left = 14 + 7 * Math.max(0, ...rows.map(([, text]) => text.length));
  place(x, left, right);
  place(y, bottom, top);
  for (const [value, text] of rows) {
    draw(svg, "path", { class: "grid", d: `M${left} ${y.at(value)}H${right}` });
    draw(svg, "text", { x: left - 8, y: y.at(value) + 4, "text-anchor": "end" }, text);
  }
  for (const [value, text] of ticks(x, right - left)) {
    draw(svg, "path", { class: "grid", d: `M${x.at(value)} ${top}V${bottom}` });
    draw(svg, "text", { x: Math.min(x.at(value), width - 4 * text.length), y: bottom + 18, "text-anchor": "middle" }, text);
  }
  draw(svg, "path", { class: "axis", d: `M${left} ${top}V${bottom}H${right}` });
  draw(svg, "text", { class: "label", x: 2, y: 16 }, y.label);
  draw(svg, "text", { class: "label", x: right, y: height - 6, "text-anchor": "end" }, x.label);
  return { left, right, top, bottom };
}

// Models, one by one

const { members, columns } = data.scatter;
const numModels = columns[0].values.length;
const svg = at("scatter").querySelector("svg");
const tip = add(svg.parentNode, "div");
let spots = [], chosen = new Set(), current = -1, start = null, marks, overall;

const axis = (id) => columns[at(id).value];
const everyone = () => spots.map((_, model) => model).filter((model) => spots[model]);

function drawScatter() {
  const x = axis("horizontal"), y = axis("vertical");
  frame(svg, Math.min(480, 200 + svg.parentNode.clientWidth / 3), x, y);
  const clip = (along, value) => along.at(Math.min(Math.max(value, along.limits[0]), along.limits[1]));
  spots = x.values.map((value, model) => {
    const other = y.values[model];
    if (value === null || other === null) return null;
    return { x: clip(x, value), y: clip(y, other), far: x.far(value) || y.far(other) };
  });
  if (x.bars) draw(svg, "path", { class: "bars", d: everyone().filter((model) => !spots[model].far).map((model) =>
    `M${clip(x, x.values[model] - x.bars[model])} ${spots[model].y}H${clip(x, x.values[model] + x.bars[model])}`).join("") });
  const size = Math.max(4, Math.min(9, 90 / Math.sqrt(numModels)));
  const opacity = Math.max(0.35, Math.min(0.85, 25 / Math.sqrt(numModels)));
  // Points of one path do not darken each other; those of several do, so that a crowd shows.
  for (let layer = 0; layer < 12; layer++)
    draw(svg, "path", { class: "points", "stroke-width": size, "stroke-opacity": opacity,
      d: dots(everyone().filter((model) => model % 12 === layer)) });
  marks = {
    chosen: draw(svg, "path", { class: "chosen", "stroke-width": numModels > 300 ? size : size + 2 }),
    current: draw(svg, "circle", { class: "current", r: size / 2 + 4, visibility: "hidden" }),
    brush: draw(svg, "path", { class: "brush" }),
  };
  const all = everyone();
  overall = `${tau(all)} over all ${all.length} models`;
  showCurrent(-1);
  showChosen();
}

const dots = (models) => models.map((model) => {
  const spot = spots[model], base = `M${spot.x.toFixed(1)} ${spot.y.toFixed(1)}`;
  return base + (spot.far ? "m-4 3h8l-4-7z" : "h0");
}).join("");

function showCurrent(model) {
  current = model;
  tip.className = "tip";
  tip.hidden = model < 0;
  marks.current.setAttribute("visibility", model < 0 ? "hidden" : "visible");
  if (model < 0) return;
  const { x, y } = spots[model];
  marks.current.setAttribute("cx", x);
  marks.current.setAttribute("cy", y);
  tip.textContent = [...Object.keys(members).map((name) => `${name} ${members[name][model]}`),
    ...columns.map((column) => `${column.name} ${show(column.values[model])}`)].join("\n");
  tip.style.left = `${Math.max(0, Math.min(x + 14, svg.clientWidth - tip.offsetWidth))}px`;
  tip.style.top = `${y > tip.offsetHeight + 14 ? y - tip.offsetHeight - 14 : y + 14}px`;
}

function tau(models) {
  const [x, y] = ["horizontal", "vertical"].map((id) => Float64Array.from(models, (model) => axis(id).values[model]));
  let balance = 0, untiedX = 0, untiedY = 0;
  for (let i = 0; i < x.length; i++)
    for (let j = 0; j < i; j++) {
      const right = Math.sign(x[i] - x[j]), up = Math.sign(y[i] - y[j]);
      balance += right * up;
      untiedX += right * right;
      untiedY += up * up;
    }
  const value = balance / Math.sqrt(untiedX * untiedY);
  return Number.isNaN(value) ? "undefined" : minus(value.toFixed(3));
}

function showChosen() {
  const models = [...chosen].filter((model) => spots[model]).sort((one, other) => one - other);
  marks.chosen.setAttribute("d", dots(models));
  if (start) return;
  at("chosen").textContent = `Kendall's tau between ${axis("horizontal").name} and ${axis("vertical").name}: ` +
    overall + (models.length ? `, ${tau(models)} over the ${models.length} selected.` : ".");
  const table = at("selection"), names = Object.keys(members);
  table.replaceChildren();
  table.parentNode.hidden = !models.length;
  const head = add(add(table, "thead"), "tr"), body = add(table, "tbody");
  for (const name of [...names, ...columns.map((column) => column.name)]) add(head, "th", name).scope = "col";
  for (const model of models) {
    const row = add(body, "tr");
    for (const name of names) add(row, "td", members[name][model]);
    for (const column of columns) add(row, "td", show(column.values[model]));
  }
}

function nearest({ x, y }) {
  const distance = (model) => Math.hypot(spots[model].x - x, spots[model].y - y);
  const best = everyone().reduce((one, other) => (one >= 0 && distance(one) <= distance(other) ? one : other), -1);
  return best >= 0 && distance(best) < 24 ? best : -1;
}

function toggle(model) {
  if (!chosen.delete(model)) chosen.add(model);
  showChosen();
}

function pointer(event) {
  const box = svg.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}

function brush(end) {
  const [left, right] = [start.x, end.x].sort((one, other) => one - other);
  const [top, bottom] = [start.y, end.y].sort((one, other) => one - other);
  marks.brush.setAttribute("d", `M${left} ${top}H${right}V${bottom}H${left}z`);
  const inside = ({ x, y }) => x >= left && x <= right && y >= top && y <= bottom;
  chosen = new Set(everyone().filter((model) => inside(spots[model])));
  showChosen();
}

function finishBrush() {
  start = null;
  marks.brush.setAttribute("d", "");
  showChosen();
}

const moved = (end) => start && Math.hypot(end.x - start.x, end.y - start.y) > 5;
svg.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  start = pointer(event);
  svg.setPointerCapture(event.pointerId);
  showCurrent(nearest(start));
});
svg.addEventListener("pointermove", (event) => {
  if (!start) showCurrent(nearest(pointer(event)));
  else if (moved(pointer(event))) brush(pointer(event));
});
svg.addEventListener("pointerup", (event) => {
  if (!start) return;
  const clicked = !moved(pointer(event));
  finishBrush();
  if (clicked && current >= 0) toggle(current);
});
svg.addEventListener("pointercancel", finishBrush);
// A finger leaves as soon as it is lifted; what it touched is still to be read.
svg.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") showCurrent(-1); });
svg.addEventListener("blur", () => showCurrent(-1));
svg.addEventListener("keydown", (event) => {
  const order = everyone().sort((one, other) => spots[one].x - spots[other].x || one - other);
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (step && order.length) showCurrent(order.at((order.indexOf(current) + (current < 0 && step < 0 ? 0 : step)) % order.length));
  else if ((event.key === "Enter" || event.key === " ") && current >= 0) toggle(current);
  else if (event.key === "Escape") { chosen.clear(); showChosen(); }
  else return;
  event.preventDefault();
});

for (const [id, first] of [["horizontal", 0], ["vertical", 1]]) {
  columns.forEach((column, number) => { add(at(id), "option", column.name).value = number; });
  at(id).value = first;
  at(id).addEventListener("change", drawScatter);
}
svg.setAttribute("tabindex", 0);
svg.setAttribute("role", "application");
tip.setAttribute("role", "status");

// Tau: its distribution, against rho, and step by step

function drawTaus(svg, { counts, edges, interval, marks, limits }) {
  const x = { label: "Kendall's tau", limits }, y = { label: "Resamples", limits: [0, 1.3 * Math.max(...counts)] };
  const box = frame(svg, 300, x, y), [low, high] = interval.map(x.at);
  draw(svg, "path", { class: "band", d: `M${low} ${box.top}H${high}V${box.bottom}H${low}z` });
  draw(svg, "path", { class: "histogram", d: counts.map((count, bin) =>
    `M${x.at(edges[bin])} ${box.bottom}V${y.at(count)}H${x.at(edges[bin + 1])}V${box.bottom}z`).join("") });
  Object.entries(marks).forEach(([name, value], number) => {
    const left = x.at(value) < (box.left + box.right) / 2;
    draw(svg, "path", { class: `mark mark${number}`, d: `M${x.at(value)} ${box.top}V${box.bottom}` });
    draw(svg, "text", { class: "strong", x: x.at(value) + (left ? 6 : -6), y: box.top + 14 + 18 * number,
      "text-anchor": left ? "start" : "end" }, `${name} ${minus(value.toFixed(3))}`);
  });
}

const SHAPES = ["m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0", "m-4-4h8v8h-8z", "m-5 4h10l-5-9z", "m-5 0l5-5l5 5l-5 5z", "m-5-4h10l-5 9z"];
const shape = (number, x, y) => `M${x} ${y}${SHAPES[number % SHAPES.length]}`;

function drawSweep(svg, { rho, tau, lines }) {
  const x = { label: "ρ", scale: "log", limits: rho }, y = { label: "Kendall's tau", limits: tau };
  const box = frame(svg, 360, x, y);
  draw(svg, "path", { class: "axis", d: `M${box.left} ${y.at(0)}H${box.right}` });
  svg.parentNode.querySelector(".legend")?.remove();
  const legend = add(svg.parentNode, "p");
  legend.className = "legend";
  lines.forEach((line, number) => {
    const group = draw(svg, "g", { class: `line line${number % 6}` }), shift = 7 * (number - (lines.length - 1) / 2);
    const known = line.rho.map((value, row) => ({ x: x.at(value) + shift, row })).filter(({ row }) => line.tau[row] !== null);
    draw(group, "path", { d: known.map(({ x, row }, order) => `${order ? "L" : "M"}${x} ${y.at(line.tau[row])}`).join("") });
    const bars = known.filter(({ row }) => line.low[row] !== null);
    draw(group, "path", { d: bars.map(({ x, row }) => `M${x} ${y.at(line.low[row])}V${y.at(line.high[row])}`).join("") });
    draw(group, "path", { class: "shape", d: known.map(({ x, row }) => shape(number, x, y.at(line.tau[row]))).join("") });
    const entry = add(legend, "span"), key = draw(entry, "svg", { width: 14, height: 14, class: `line line${number % 6}` });
    draw(key, "path", { class: "shape", d: shape(number, 7, 7) });
    entry.append(` m = ${line.m}`);
  });
}

function drawAblation(svg, { steps, tau, low, high, limits }) {
  const x = { label: "Kendall's tau", limits }, y = { label: "", limits: [steps.length, 0] };
  const box = frame(svg, 72 + 42 * steps.length, x, y);
  draw(svg, "path", { class: "axis", d: `M${x.at(0)} ${box.top}V${box.bottom}` });
  steps.forEach((step, row) => {
    draw(svg, "text", { class: "strong", x: box.left + 4, y: y.at(row + 0.38) }, step);
    if (tau[row] === null) return;
    const group = draw(svg, "g", { class: "line line0" }), middle = y.at(row + 0.68);
    if (low[row] !== null) draw(group, "path", { d: `M${x.at(low[row])} ${middle}H${x.at(high[row])}` });
    draw(group, "path", { class: "shape", d: shape(0, x.at(tau[row]), middle) });
  });
}

// A drawing fits the width of its box, so that its letters keep their size.

const drawings = { scatter: drawScatter, taus: drawTaus, sweep: drawSweep, ablation: drawAblation };
for (const name in data) {
  const canvas = at(name).querySelector(".canvas"), redraw = () => drawings[name](canvas.firstElementChild, data[name]);
  let width = canvas.clientWidth;
  redraw();
  new ResizeObserver(() => {
    if (canvas.clientWidth !== width) { width = canvas.clientWidth; redraw(); }
  }).observe(canvas);
}
