"use strict";
// Keys, ages that go on, choosing all, copying, and saying so when the server cannot be reached.

function opens() {
  return [...document.querySelectorAll("[data-open]")];
}

function move(by) {
  const links = opens();
  const at = links.indexOf(document.activeElement);
  const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + by, 0), links.length - 1)];
  if (next) next.focus();
}

function ago(at) {
  const seconds = Math.max(0, Math.floor((Date.now() - at) / 1000));
  for (const [unit, length] of [["d", 86400], ["h", 3600], ["min", 60]]) {
    if (seconds >= length) return Math.floor(seconds / length) + " " + unit + " ago";
  }
  return seconds + " s ago";
}

// What stays the same is not written: writing has the browser lay out the page anew.
function write(one, text) {
  if (one.textContent !== text) one.textContent = text;
}

function age() {
  document.querySelectorAll("time[data-ago]").forEach((one) => write(one, ago(Date.parse(one.dateTime))));
}

const KEYS = { j: () => move(1), k: () => move(-1), "/": () => document.getElementById("text")?.focus() };

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox]), textarea, select");
  if (typing && event.key === "Escape") typing.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});

document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-all]")) return;
  document.querySelectorAll("[name=ids]").forEach((one) => { one.checked = event.target.checked; });
});

// After a reconnection the stream tells again what is there already.
document.addEventListener("htmx:sseBeforeMessage", (event) => {
  const told = event.detail;
  if (told.type === "history" && document.getElementById("e-" + told.lastEventId)) event.preventDefault();
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    document.querySelector("[data-copied]").textContent = "Copied";
    button.dataset.done = "yes";
  } catch {
    window.prompt("Copy this", button.dataset.copy); // a page without TLS has no clipboard
  }
});

function tick() {
  document.querySelectorAll("[data-since]").forEach((one) => {
    write(one, ago(Number(one.dataset.since)).replace(" ago", ""));
  });
}

setInterval(tick, 1000);
setInterval(age, 5000);
