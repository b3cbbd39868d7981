"use strict";
// Draws the chart, fills the box from example buttons, and tells screen readers when the answer is there.

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const INK = { light: ["#1a1d21", "#56606c", "#e3e6ea", "#0072B2"], dark: ["#eceff3", "#a4afbc", "#343b45", "#56B4E9"] };
const DARK_SERIES = ["#56B4E9", "#FF9A57", "#3DCBA0", "#E7A1CB", "#F0C04A", "#8FA8FF", "#C79BE0", "#B5BCC6"];

const TWO_PANELS = 700, AXIS = 110; // px: the least width for two beside each other; what an axis takes of it

// A chart never loads anything: its data is inside its spec.
const refuse = () => Promise.reject(new Error("charts load nothing"));
const closedLoader = () => ({ load: refuse, sanitize: refuse, http: refuse, file: refuse });

function colours() {
  const [ink, muted, rule, mark] = dark.matches ? INK.dark : INK.light;
  return {
    background: null, mark: { color: mark }, text: { color: ink }, view: { stroke: null },
    axis: { labelColor: muted, titleColor: muted, gridColor: rule, domainColor: rule, tickColor: rule },
    legend: { labelColor: muted, titleColor: muted }, title: { color: ink, subtitleColor: muted },
    ...(dark.matches ? { range: { category: DARK_SERIES } } : {}),
  };
}

// Colours written into a mark were chosen for white paper.
function repaint(node) {
  if (Array.isArray(node)) { node.forEach(repaint); return; }
  if (node === null || typeof node !== "object") return;
  if (node.mark && typeof node.mark === "object") { delete node.mark.color; if (node.mark.stroke === "white") delete node.mark.stroke; }
  ["layer", "hconcat", "vconcat", "concat"].forEach((key) => repaint(node[key]));
}

// Panels below each other, each as wide as there is room beside its axis.
function stack(spec, width) {
  spec.columns = 1;
  for (const panel of spec.concat) if (panel.width > width - AXIS) panel.width = width - AXIS;
}

function fitted(box) {
  const spec = JSON.parse(document.getElementById(box.dataset.chart).textContent);
  const bigNumber = spec.mark && spec.mark.type === "text";
  delete spec.usermeta; // it may set options of the embedding
  if (box.dataset.title) delete spec.title; // the page's own heading says it
  if (typeof spec.width === "number" && !bigNumber) {
    spec.width = "container";
    spec.autosize = { type: "fit-x", contains: "padding" };
  }
  if (spec.concat && box.clientWidth < TWO_PANELS) stack(spec, box.clientWidth);
  if (dark.matches && !bigNumber) repaint(spec);
  const own = spec.config || {};
  const isNarrow = box.clientWidth < 480; // room for the figures at the ends of the bars
  const narrow = isNarrow ? { labelLimit: 110 } : {};
  const ours = colours();
  spec.config = { ...own, ...ours, font: getComputedStyle(document.body).fontFamily,
    padding: { left: 4, top: 4, bottom: 4, right: isNarrow ? 26 : 4 }, mark: { ...own.mark, ...ours.mark }, text: { ...own.text, ...ours.text },
    axis: { ...own.axis, ...ours.axis, ...narrow }, legend: { ...own.legend, ...ours.legend, ...(isNarrow ? { gradientLength: 150, titleLimit: 165 } : {}) },
    title: { ...own.title, ...ours.title }, range: { ...own.range, ...ours.range } };
  if (bigNumber && dark.matches) spec.mark.color = ours.mark.color;
  return spec;
}

async function draw(box) {
  try {
    const options = { mode: "vega-lite", renderer: "svg", actions: false, ast: true, defaultStyle: false,
      loader: closedLoader(), tooltip: { disableDefaultStyle: true, theme: "custom" }, logLevel: vega.Error };
    if (box.view) box.view.finalize();
    box.view = (await vegaEmbed(box, fitted(box), options)).view;
    box.dataset.drawn = "yes";
  } catch (error) {
    box.dataset.drawn = "no";
    box.textContent = "The chart could not be drawn here; the rows are below. (" + error.message + ")";
  }
}

function drawAll() {
  document.querySelectorAll("[data-chart]").forEach(draw);
}

function grow(box) {
  box.style.height = "auto";
  box.style.height = box.scrollHeight + 2 + "px";
}

function fill(question) {
  const box = document.getElementById("question");
  box.value = question;
  grow(box);
  box.focus();
}

function announce() {
  const answer = document.getElementById("answer");
  const heading = answer.querySelector("h1"); // a failure announces itself: it is an alert
  const said = answer.dataset.state === "done" && heading ? "The answer is there: " + heading.textContent : "";
  document.getElementById("said").textContent = said;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-fill]");
  if (!button || !document.getElementById("question")) return; // elsewhere it leads to the first page
  event.preventDefault();
  fill(button.value);
});

document.addEventListener("keydown", (event) => {
  if (event.target.id !== "question" || event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  event.target.form.requestSubmit();
});

document.addEventListener("input", (event) => { if (event.target.id === "question") grow(event.target); });
document.addEventListener("htmx:afterSettle", (event) => {
  if (!["answer", "workflow"].includes(event.target.id)) return;
  drawAll();
  if (event.target.id === "answer") announce();
});
dark.addEventListener("change", drawAll);
if (document.getElementById("question")) grow(document.getElementById("question"));
drawAll();
