// Models, one by one

const { members, columns, colours = [], some } = data.scatter;
// Of many columns, only those of the axes are shown with a model; of many models, not all are listed.
const listed = () => (columns.length > 8 ? [...new Set([axis("horizontal"), axis("vertical")])] : columns);
const MOST_LISTED = 1000;
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
  drawPoints(size, opacity);
  marks = {
    chosen: draw(svg, "path", { class: "chosen", "stroke-width": numModels > 300 ? size : size + 2 }),
    current: draw(svg, "circle", { class: "current", r: size / 2 + 4, visibility: "hidden" }),
    brush: draw(svg, "path", { class: "brush" }),
  };
  const all = everyone();
  overall = `${tau(all)} over ${some ? "the" : "all"} ${all.length} models${some ? " shown" : ""}`;
  showCurrent(-1);
  showChosen();
}

// Points of one path do not darken each other; those of several do, so that a crowd shows. Colours take turns, so that
// none hides the others.
function drawPoints(size, opacity) {
  const colour = colours[at("colour")?.value], classes = colour ? colour.places : [null];
  const layers = Array.from({ length: 12 }, () => classes.map(() => []));
  for (const model of everyone()) layers[model % 12][colour ? colour.numbers[model] : 0].push(model);
  layers.forEach((layer, turn) => layer.forEach((_, place) => {
    const number = (place + turn) % layer.length;
    draw(svg, "path", { class: colour ? `points ${colourOf(colour, number)}` : "points", "stroke-width": size,
      "stroke-opacity": opacity, d: dots(layer[number]) });
  }));
  svg.parentNode.querySelector(".legend")?.remove();
  if (!colour) return;
  const legend = add(svg.parentNode, "p", colour.name);
  legend.className = "legend";
  classes.forEach((_, number) => {
    const entry = add(legend, "span"), key = draw(entry, "svg", { width: 14, height: 14 });
    draw(key, "path", { class: `points ${colourOf(colour, number)}`, "stroke-width": 9, d: "M7 7h0" });
    entry.append(` ${colour.labels[number]}`);
  });
}

const colourOf = ({ ordered, places }, number) => `${ordered ? "step" : "word"}${places[number]}`;

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
    ...listed().map((column) => `${column.name} ${show(column.values[model])}`)].join("\n");
  tip.style.left = `${Math.max(0, Math.min(x + 14, svg.clientWidth - tip.offsetWidth))}px`;
  tip.style.top = `${y > tip.offsetHeight + 14 ? y - tip.offsetHeight - 14 : y + 14}px`;
}

// Kendall's tau-b in n log n time (Knight 1966): models in order of x are merged in order of y; each swap is a
// discordant pair.
function tau(models) {
  const [x, y] = ["horizontal", "vertical"].map((id) => models.map((model) => axis(id).values[model]));
  const order = x.map((_, place) => place).sort((i, j) => x[i] - x[j] || y[i] - y[j]);
  const pairs = (count) => (count * (count - 1)) / 2;
  const tied = (sorted, same) => {
    let found = 0, run = 0;
    sorted.forEach((place, k) => { run = k && same(place, sorted[k - 1]) ? run + 1 : 0; found += run; });
    return found;
  };
  const tiedX = tied(order, (i, j) => x[i] === x[j]), both = tied(order, (i, j) => x[i] === x[j] && y[i] === y[j]);
  const [sorted, swaps] = merge(order, y), tiedY = tied(sorted, (i, j) => y[i] === y[j]), all = pairs(x.length);
  const value = (all - tiedX - tiedY + both - 2 * swaps) / Math.sqrt((all - tiedX) * (all - tiedY));
  return Number.isFinite(value) ? minus(value.toFixed(3)) : "undefined";
}

// Places in order of their values, and how many pairs had the larger value first.
function merge(places, values) {
  let sorted = places, swaps = 0;
  for (let size = 1; size < places.length; size *= 2) {
    const next = [];
    for (let start = 0; start < places.length; start += 2 * size) {
      const middle = Math.min(start + size, places.length), end = Math.min(start + 2 * size, places.length);
      let left = start, right = middle;
      while (left < middle || right < end)
        if (right >= end || (left < middle && values[sorted[left]] <= values[sorted[right]])) next.push(sorted[left++]);
        else { next.push(sorted[right++]); swaps += middle - left; }
    }
    sorted = next;
  }
  return [sorted, swaps];
}

function showChosen() {
  const models = [...chosen].filter((model) => spots[model]).sort((one, other) => one - other);
  marks.chosen.setAttribute("d", dots(models));
  if (start) return;
  at("chosen").textContent = `Kendall's tau between ${axis("horizontal").name} and ${axis("vertical").name}: ` +
    overall + (models.length ? `, ${tau(models)} over the ${models.length} selected.` : ".") +
    (models.length > MOST_LISTED ? ` The first ${MOST_LISTED} are listed.` : "");
  const table = at("selection"), names = Object.keys(members);
  table.replaceChildren();
  table.parentNode.hidden = !models.length;
  const head = add(add(table, "thead"), "tr"), body = add(table, "tbody");
  for (const name of [...names, ...listed().map((column) => column.name)]) add(head, "th", name).scope = "col";
  for (const model of models.slice(0, MOST_LISTED)) {
    const row = add(body, "tr");
    for (const name of names) add(row, "td", members[name][model]);
    for (const column of listed()) add(row, "td", show(column.values[model]));
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
colours.forEach(({ name }, number) => { add(at("colour"), "option", name).value = number; });
at("colour")?.addEventListener("change", drawScatter);
svg.setAttribute("tabindex", 0);
svg.setAttribute("role", "application");
tip.setAttribute("role", "status");
drawings.scatter = drawScatter;
