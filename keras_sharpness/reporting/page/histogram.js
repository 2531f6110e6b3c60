// A histogram with named values, and perhaps an interval, marked in it

function drawHistogram(svg, x, label, { counts, edges, marks }, interval = null) {
  const y = { label, limits: [0, 1.3 * Math.max(1, ...counts)] }, box = frame(svg, 300, x, y);
  if (interval) {
    const [low, high] = interval.map(x.at);
    draw(svg, "path", { class: "band", d: `M${low} ${box.top}H${high}V${box.bottom}H${low}z` });
  }
  draw(svg, "path", { class: "histogram", d: counts.map((count, bin) =>
    `M${x.at(edges[bin])} ${box.bottom}V${y.at(count)}H${x.at(edges[bin + 1])}V${box.bottom}z`).join("") });
  Object.entries(marks).forEach(([name, value], number) => {
    const left = x.at(value) < (box.left + box.right) / 2;
    draw(svg, "path", { class: `mark mark${number}`, d: `M${x.at(value)} ${box.top}V${box.bottom}` });
    draw(svg, "text", { class: "strong", x: x.at(value) + (left ? 6 : -6), y: box.top + 14 + 18 * number,
      "text-anchor": left ? "start" : "end" }, `${name} ${minus(value.toFixed(3))}`);
  });
}
