// Tables that sort by a column, filter by a text, and show only chosen variants, whose names are in the form `variants`.
"use strict";
{
  const LARGE = 8; // rows; a table of more has a field to filter by
  const UNKNOWN = "–";
  const NEXT = { none: "ascending", ascending: "descending", descending: "none" };
  const form = document.getElementById("variants");
  const boxes = form ? [...form.querySelectorAll("input")] : [];
  const names = new Set(boxes.map((box) => box.name));

  const element = (tag, attributes, ...children) => {
    const made = Object.assign(document.createElement(tag), attributes);
    made.append(...children);
    return made;
  };

  // `62.1 ± 0.8` is 62.1, `<0.001` less than 0.001, `7,987–8,091` the smaller; what is no number is NaN.
  const number = (text) => {
    const [, less, digits] = /^(<?)([+−-]?[\d,]*\.?\d+)/.exec(text) ?? [];
    return parseFloat((digits ?? "").replaceAll(",", "").replace("−", "-")) - (less ? 1e-9 : 0);
  };

  const compare = (a, b) => number(a) - number(b) || a.localeCompare(b, "en", { numeric: true });

  const sorted = (rows, column, order) => {
    if (order === "none") return rows;
    const text = (row) => row.cells[column].textContent.trim();
    const sign = order === "ascending" ? 1 : -1;
    return [...rows].sort((a, b) => {
      const [left, right] = [text(a), text(b)];
      if (left === UNKNOWN || right === UNKNOWN) return (left === UNKNOWN) - (right === UNKNOWN);
      return sign * compare(left, right);
    });
  };

  const makeSortable = (table, rows) => {
    const heads = [...table.tHead.rows[0].cells];
    for (const [column, head] of heads.entries()) {
      const button = element("button", { type: "button" }, ...head.childNodes);
      head.append(button);
      head.ariaSort = "none";
      button.addEventListener("click", () => {
        const order = NEXT[head.ariaSort];
        for (const other of heads) other.ariaSort = "none";
        head.ariaSort = order;
        table.tBodies[0].append(...sorted(rows, column, order));
      });
    }
  };

  const makeFilter = (table, rows, apply) => {
    if (rows.length <= LARGE) return () => true;
    const field = element("input", { type: "search", autocomplete: "off" });
    field.addEventListener("input", apply);
    const label = element("label", { className: "filter" }, "Filter rows", field);
    table.closest(".scroll").before(label);
    return (row) => row.textContent.toLowerCase().includes(field.value.trim().toLowerCase());
  };

  const tables = [...document.querySelectorAll("table")].map((table) => {
    const rows = [...table.tBodies[0].rows].filter((row) => !row.querySelector(".none"));
    const heads = [...table.tHead.rows[0].cells].map((head) => head.textContent);
    const variant = heads.indexOf("variant");
    const count = element("p", { className: "note", role: "status" });
    const apply = () => {
      const hidden = new Set(boxes.filter((box) => !box.checked).map((box) => box.name));
      for (const row of rows) {
        const isOfHidden = variant >= 0 && hidden.has(row.cells[variant].firstChild?.textContent);
        row.hidden = isOfHidden || !matches(row);
      }
      for (const [column, head] of heads.entries()) {
        if (!names.has(head)) continue;
        for (const row of table.rows) row.cells[column].hidden = hidden.has(head);
      }
      const shown = rows.filter((row) => !row.hidden).length;
      count.textContent = shown < rows.length ? `${shown} of ${rows.length} rows are shown.` : "";
    };
    const matches = makeFilter(table, rows, apply);
    if (rows.length > 1) makeSortable(table, rows);
    table.closest(".scroll").after(count);
    return apply;
  });

  const applyAll = () => {
    const count = boxes.filter((box) => box.checked).length;
    document.getElementById("variants-shown").textContent = count === boxes.length ? "all" : `${count} of ${boxes.length}`;
    for (const apply of tables) apply();
  };
  if (form) {
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("click", ({ target }) => {
      if (target.type !== "button") return;
      for (const box of boxes) box.checked = Boolean(target.value);
      form.dispatchEvent(new Event("change"));
    });
    form.addEventListener("change", applyAll);
  }
}
