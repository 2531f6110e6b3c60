// Tables whose columns sort, and tables whose rows a choice changes

const cellsOf = (row) => [...row.cells].map((cell) => cell.textContent);

const numberIn = (text) => Number.parseFloat(text.replace("−", "-"));

// Numbers by value, the larger first; words by letter; what has no number last. A second click turns the order round.
function sortBy(table, column, direction) {
  const body = table.tBodies[0], rows = [...body.rows].map((row) => [cellsOf(row)[column], row]);
  const words = rows.every(([text]) => Number.isNaN(numberIn(text)));
  const compare = ([one], [other]) => {
    if (words) return direction * one.localeCompare(other);
    const [a, b] = [numberIn(one), numberIn(other)];
    return Number.isNaN(a) - Number.isNaN(b) || direction * (b - a);
  };
  rows.sort(compare).forEach(([, row]) => body.append(row));
  [...table.tHead.rows[0].cells].forEach((head) => head.removeAttribute("aria-sort"));
  const down = words === direction < 0;
  table.tHead.rows[0].cells[column].setAttribute("aria-sort", down ? "descending" : "ascending");
}

for (const table of document.querySelectorAll("table.sortable"))
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    let direction = -1;
    button.addEventListener("click", () => { direction = -direction; sortBy(table, column, direction); });
  });

function fillTable(table, rows) {
  const body = table.tBodies[0];
  body.replaceChildren();
  for (const head of table.tHead.rows[0].cells) head.removeAttribute("aria-sort");
  for (const cells of rows) {
    const row = add(body, "tr");
    cells.forEach((text, place) => { if (place) add(row, "td", text); else add(row, "th", text).scope = "row"; });
  }
  shadeTable(table);
}

// A cell's colour says the size and sign of its number, from -1 to 1, in steps of 0.2.
function shadeTable(table) {
  if (table.classList.contains("heat"))
    for (const cell of table.querySelectorAll("td")) {
      const value = Number.parseFloat(cell.textContent);
      if (!Number.isNaN(value)) cell.className = `heat${value < 0 ? "low" : "high"}${Math.round(5 * Math.abs(value))}`;
    }
}

document.querySelectorAll("table.heat").forEach(shadeTable);
