// Measures with their intervals, kind by kind

const ranking = { target: at("target"), criterion: at("criterion") };

function drawRanking(svg, { targets, criteria }) {
  const { rows } = targets[ranking.target.value], { name, label, limits } = criteria[ranking.criterion.value];
  const lines = rowsByKind(rows, name), wide = svg.parentNode.clientWidth > 640, each = wide ? 20 : 36;
  const room = wide ? Math.max(0, ...rows.map(({ measure }) => 1.12 * measure.length)) : 0;
  const height = 72 + each * lines.length, x = { label, limits }, y = { label: "", limits: [lines.length, 0], room };
  const box = frame(svg, height, x, y);
  draw(svg, "path", { class: "axis", d: `M${x.at(0)} ${box.top}V${box.bottom}` });
  lines.forEach(({ kind, measure, values }, row) => {
    const middle = y.at(row + (wide || kind ? 0.5 : 0.75)), text = y.at(row + (wide || kind ? 0.5 : 0.35)) + 4;
    if (kind) return draw(svg, "text", { class: "strong kind", x: wide ? 2 : box.left + 4, y: text }, kind);
    draw(svg, "text", { class: "label", x: wide ? box.left - 8 : box.left + 4, y: text, "text-anchor": wide ? "end" : "start" }, measure);
    drawInterval(svg, x, middle, measure, values[name]);
  });
}

function drawInterval(svg, x, middle, measure, [value, low, high, lowAll, highAll]) {
  if (value === null) return;
  const group = draw(svg, "g", { class: lowAll > 0 || highAll < 0 ? "line" : "line unclear" });
  if (lowAll !== null) draw(group, "path", { class: "thin", d: `M${x.at(lowAll)} ${middle}H${x.at(highAll)}` });
  if (low !== null) draw(group, "path", { class: "thick", d: `M${x.at(low)} ${middle}H${x.at(high)}` });
  draw(group, "circle", { class: "shape", cx: x.at(value), cy: middle, r: 4 });
  const ends = lowAll === null ? "no interval" : `${show(lowAll, 3)} to ${show(highAll, 3)}`;
  draw(group, "title", {}, `${measure}: ${show(value, 3)}, ${ends}`);
}

// Each kind is a line of its own before its measures; the best come first.
function rowsByKind(rows, name) {
  const size = ({ values }) => Math.abs(values[name][0] ?? 0), kinds = new Map();
  for (const row of [...rows].sort((one, other) => size(other) - size(one)))
    kinds.set(row.kind, [...(kinds.get(row.kind) ?? [{ kind: row.kind }]), { ...row, kind: "" }]);
  return [...kinds.values()].flat();
}

// Environments of one measure

const measure = at("measure");

function drawEnvironments(svg, { measures, edges }) {
  const { name, counts, marks } = measures[measure.value];
  drawHistogram(svg, { label: `Wrong signs of ${name}`, limits: [0, 1] }, "Environments", { counts, edges, marks });
}

// The choices

function offer(select, names, change) {
  names.forEach((name, number) => { add(select, "option", name).value = number; });
  select.addEventListener("change", change);
}

const redraw = (name) => drawings[name](at(name).querySelector("svg"), data[name]);
offer(ranking.target, data.ranking.targets.map(({ label }) => label), () => {
  const { cells, within } = data.ranking.targets[ranking.target.value];
  redraw("ranking");
  fillTable(at("ranking-table"), cells);
  fillTable(at("within-table"), within);
});
offer(ranking.criterion, data.ranking.criteria.map(({ label }) => label), () => redraw("ranking"));
if (measure) offer(measure, data.environments.measures.map(({ name }) => name), () => {
  redraw("environments");
  fillTable(at("environments-table"), data.environments.measures[measure.value].worst);
});
Object.assign(drawings, { ranking: drawRanking, environments: drawEnvironments });
