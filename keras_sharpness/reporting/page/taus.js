// Tau: its distribution, against rho, and step by step

function drawTaus(svg, { limits, interval, ...histogram }) {
  drawHistogram(svg, { label: "Kendall's tau", limits }, "Resamples", histogram, interval);
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

Object.assign(drawings, { taus: drawTaus, sweep: drawSweep, ablation: drawAblation });
