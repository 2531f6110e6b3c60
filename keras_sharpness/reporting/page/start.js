// A drawing fits the width of its box, so that its letters keep their size.

for (const name in data) {
  const canvas = at(name).querySelector(".canvas"), redraw = () => drawings[name](canvas.firstElementChild, data[name]);
  let width = canvas.clientWidth;
  redraw();
  new ResizeObserver(() => {
    if (canvas.clientWidth !== width) { width = canvas.clientWidth; redraw(); }
  }).observe(canvas);
}
