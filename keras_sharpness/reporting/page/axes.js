"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
// By name, what draws a figure of the page: it is given the drawing and its data.
const drawings = {};

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

// Clears a drawing and gives it axes. An axis without a label has no ticks either, but perhaps room for names.
function frame(svg, height, x, y) {
  const width = svg.parentNode.clientWidth, top = 28, bottom = height - 44, right = width - 10;
  svg.replaceChildren();
  svg.setAttribute("width", width);
  svg.setAttribute("height", height);
  const rows = y.label ? ticks(y, 1.4 * (bottom - top)) : [];
  const left = 14 + 7 * Math.max(y.room ?? 0, ...rows.map(([, text]) => text.length));
  place(x, left, right);
  place(y, bottom, top);
  for (const [value, text] of rows) {
    draw(svg, "path", { class: "grid", d: `M${left} ${y.at(value)}H${right}` });
    draw(svg, "text", { x: left - 8, y: y.at(value) + 4, "text-anchor": "end" }, text);
  }
  for (const [value, text] of ticks(x, right - left)) {
    draw(svg, "path", { class: "grid", d: `M${x.at(value)} ${top}V${bottom}` });
    draw(svg, "text", { x: Math.min(x.at(value), width - 4 * text.length), y: bottom + 18, "text-anchor": "middle" }, text);
    if (height > 700) draw(svg, "text", { x: Math.min(x.at(value), width - 4 * text.length), y: top - 8, "text-anchor": "middle" }, text);
  }
  draw(svg, "path", { class: "axis", d: `M${left} ${top}V${bottom}H${right}` });
  draw(svg, "text", { class: "label", x: 2, y: 16 }, y.label);
  draw(svg, "text", { class: "label", x: right, y: height - 6, "text-anchor": "end" }, x.label);
  return { left, right, top, bottom };
}
