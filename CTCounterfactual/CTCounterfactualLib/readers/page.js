"use strict";
// One reader's session: a case at a time, no way back; each answer is kept at once.
const study = JSON.parse(document.getElementById("data").textContent);
const get = (id) => document.getElementById(id);
const store = `reader-study ${study.study} ${study.reader} ${study.session}`;
const panes = [["scan", "Scan"], ["counterfactual", "Counterfactual: what would move the score"],
  ["change", "Change: blue is darker, red brighter"]];
let answers = [], shown = 0, seconds = 0, since = null;

function keep() {
  try {
    localStorage.setItem(store, JSON.stringify(answers));
  } catch {
    get("unsaved").hidden = false;
  }
}

function kept() {
  try {
    const found = JSON.parse(localStorage.getItem(store) ?? "[]");
    const known = new Set(study.cases.map((one) => one.number));
    return Array.isArray(found) ? found.filter((one) => known.has(one.number)) : [];
  } catch {
    get("unsaved").hidden = false;
    return [];
  }
}

// Time counts only while the page is in sight.
const start = () => { since = performance.now(); };
const stop = () => { if (since !== null) seconds += (performance.now() - since) / 1000; since = null; };
document.addEventListener("visibilitychange", () => {
  if (get("case").hidden) return;
  document.hidden ? stop() : start();
});

function show(slice) {
  const one = study.cases[shown];
  get("slice").value = slice;
  for (const image of get("panes").querySelectorAll("img"))
    image.src = "data:image/jpeg;base64," + one.pictures[image.dataset.kind][get("slice").value];
}

function open() {
  get("intro").hidden = true;
  get("download").hidden = answers.length === 0;
  const over = shown >= study.cases.length;
  get("case").hidden = over;
  get("end").hidden = !over;
  get("progress").textContent = over ? `${shown} cases read` : `case ${shown + 1} of ${study.cases.length}`;
  if (over) return;
  const one = study.cases[shown];
  get("score").textContent = `Case ${one.number}. ${one.score}`;
  get("panes").replaceChildren(...panes.filter(([kind]) => one.pictures[kind]).map(([kind, name]) => {
    const figure = document.createElement("figure"), image = document.createElement("img");
    const text = document.createElement("figcaption");
    image.dataset.kind = kind;
    image.alt = name;
    image.onwheel = (event) => { event.preventDefault(); show(+get("slice").value + Math.sign(event.deltaY)); };
    text.textContent = name;
    figure.append(image, text);
    return figure;
  }));
  get("slice").max = one.pictures.scan.length - 1;
  show(Math.floor(one.pictures.scan.length / 2));
  for (const choice of document.getElementsByName("sure")) choice.checked = false;
  get("comment").value = "";
  get("next").disabled = true;
  seconds = 0;
  start();
  scrollTo(0, 0);
}

function next() {
  const sure = document.querySelector("input[name=sure]:checked");
  if (!sure) return;
  stop();
  answers.push({ number: study.cases[shown].number, confidence: +sure.value,
    seconds: Math.round(seconds * 10) / 10, comment: get("comment").value,
    at: new Date().toISOString() });
  keep();
  shown++;
  open();
}

function download() {
  const content = { schema: 1, study: study.study, reader: study.reader, session: study.session, answers };
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(content, null, 2)], { type: "application/json" }));
  link.download = `answers-${study.reader}-${study.session}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

for (const choice of document.getElementsByName("sure"))
  choice.onchange = () => { get("next").disabled = false; };
get("slice").oninput = () => show(get("slice").value);
get("next").onclick = next;
get("download").onclick = download;
get("begin").onclick = open;
document.addEventListener("keydown", (event) => {
  if (get("case").hidden || event.target === get("comment")) return;
  if ("12345".includes(event.key)) document.getElementsByName("sure")[event.key - 1].click();
  else if (event.key === "Enter" && event.target !== get("next")) next();
  else if (["ArrowUp", "ArrowDown"].includes(event.key) && event.target.type !== "radio") {
    event.preventDefault();
    show(+get("slice").value + (event.key === "ArrowDown" ? 1 : -1));
  }
});
answers = kept();
shown = answers.length;
if (shown) get("begin").textContent = `Go on with case ${shown + 1}`;
