"use strict";
// The table of all cases: only the rows in sight are in the page, however many there are.
const data = JSON.parse(document.getElementById("data").textContent);
const ROW = 24, SPARE = 12;
const table = document.getElementById("table"), scroll = document.getElementById("scroll");
const body = table.tBodies[0], find = document.getElementById("find");
const total = data.folders.length, status = data.columns.indexOf("status");
let order = Array.from({ length: total }, (_, n) => n), sorted = -1, down = false, first = -1;

const words = order.map((n) =>
  data.values.filter((_, c) => !data.numeric[c]).map((v) => v[n] ?? "").join(" ").toLowerCase());

function compare(column) {
  const values = data.values[column], sign = down ? -1 : 1;
  const empty = (v) => v === null || v === "";
  return (a, b) => {
    const x = values[a], y = values[b];
    if (empty(x) || empty(y)) return empty(x) - empty(y) || a - b; // what is missing stands last
    if (data.numeric[column]) return sign * (x - y) || a - b;
    return sign * x.localeCompare(y, undefined, { numeric: true }) || a - b;
  };
}

function cell(column, n) {
  const made = document.createElement("td"), value = data.values[column][n];
  made.className = data.numeric[column] ? "number" : "";
  if (column === 0 && data.folders[n]) {
    const link = document.createElement("a");
    link.href = data.folders[n].split("/").map(encodeURIComponent).join("/") + "/";
    link.textContent = value;
    made.append(link);
  } else made.textContent = value ?? "";
  made.title = made.textContent;
  return made;
}

function spacer(rows) {
  const made = document.createElement("tr"), gap = document.createElement("td");
  gap.colSpan = data.columns.length;
  gap.style.cssText = `height:${rows * ROW}px;padding:0;border:0`;
  made.append(gap);
  return made;
}

function draw(force) {
  const from = Math.max(0, Math.floor(scroll.scrollTop / ROW) - SPARE);
  if (!force && from === first) return;
  first = from;
  const to = Math.min(order.length, from + Math.ceil(scroll.clientHeight / ROW) + 2 * SPARE);
  const rows = order.slice(from, to).map((n) => {
    const row = document.createElement("tr");
    if (status >= 0 && data.values[status][n] === "failed") row.className = "failed";
    row.append(...data.columns.map((_, column) => cell(column, n)));
    return row;
  });
  body.replaceChildren(spacer(from), ...rows, spacer(order.length - to));
}

function refresh() {
  const word = find.value.trim().toLowerCase();
  order = [];
  for (let n = 0; n < total; n++) if (!word || words[n].includes(word)) order.push(n);
  if (sorted >= 0) order.sort(compare(sorted));
  document.getElementById("count").textContent = `${order.length} of ${total} cases`;
  scroll.scrollTop = 0;
  draw(true);
}

const head = document.createElement("tr");
data.columns.forEach((name, column) => {
  const made = document.createElement("th"), button = document.createElement("button");
  button.textContent = name;
  button.onclick = () => {
    down = sorted === column ? !down : false;
    sorted = column;
    for (const one of head.children) one.removeAttribute("aria-sort");
    made.setAttribute("aria-sort", down ? "descending" : "ascending");
    [...head.children].forEach((one, n) => {
      one.firstChild.textContent = data.columns[n] + (n === column ? (down ? " \u25bc" : " \u25b2") : "");
    });
    refresh();
  };
  made.append(button);
  head.append(made);
});
table.tHead.append(head);
find.oninput = refresh;
scroll.onscroll = () => requestAnimationFrame(() => draw(false));
refresh();
