"use strict";
// Keeps the page fresh: asks for it again while it is looked at, and takes over its live parts. Clocks tick in between.

const board = document.getElementById("board");
const every = Number(board.dataset.every || 0);
const badge = document.getElementById("badge");
const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
const raw = new Map(); // region -> what the server told of it
let ahead = 0; // of this clock before the server's, in ms
let asking = false;

function span(ms) {
  let left = Math.max(0, Math.floor(ms / 1000));
  const at = Math.max(0, UNITS.findIndex(([unit]) => left >= unit));
  const told = [];
  for (const [unit, name] of left ? UNITS.slice(at, at + 2) : [[1, "s"]]) {
    const count = Math.floor(left / unit);
    left -= count * unit;
    if (count || !told.length) told.push(count + " " + name);
  }
  return told.join(" ");
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function countDown() {
  const now = Date.now() - ahead;
  document.querySelectorAll("[data-until]").forEach((time) => write(time, span(Number(time.dataset.until) - now)));
}

// Each text that changes has the browser lay out the page anew: only what runs out is worth that every second.
function tick() {
  const now = Date.now() - ahead;
  countDown();
  document.querySelectorAll("[data-since]").forEach((time) => write(time, span(now - Number(time.dataset.since))));
  document.querySelectorAll("[data-clock]").forEach((time) => {
    const at = new Date(Number(time.dataset.clock));
    const sameDay = at.toDateString() === new Date(now).toDateString();
    write(time, sameDay ? at.toLocaleTimeString() : at.toLocaleString());
  });
}

function say(text, css) {
  badge.hidden = false;
  badge.className = css;
  write(badge, text);
}

// A region's HTML without what only ticks: else each look would draw anew what has not changed.
function told(region) {
  return region.innerHTML.replace(/(<time data-(?:since|until)=[^>]*>)[^<]*/g, "$1");
}

function regions(of) {
  return [...of.querySelectorAll("[data-live]")];
}

function take(fresh) {
  for (const region of regions(fresh)) {
    const own = document.getElementById(region.id);
    if (!own) { location.reload(); return; } // the page has become another one
    if (raw.get(own.id) === told(region) || own.contains(document.activeElement)) continue;
    raw.set(own.id, told(region));
    own.innerHTML = region.innerHTML;
    own.dispatchEvent(new CustomEvent("fresh", { bubbles: true }));
  }
}

async function refresh() {
  if (asking || document.hidden) return;
  asking = true;
  try {
    const reply = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(10000) });
    if (reply.redirected) { location.reload(); return; }
    const fresh = new DOMParser().parseFromString(await reply.text(), "text/html");
    const its = fresh.getElementById("board");
    if (!its) { location.reload(); return; } // the page that was wanted is there
    ahead = Date.now() - Number(its.dataset.now);
    take(fresh);
    tick();
    say(...(reply.ok ? ["● Live", "good"] : [`✕ ${its.querySelector("h1").textContent}`, "bad"]));
  } catch (error) {
    say("↻ Reconnecting", "late");
  } finally {
    asking = false;
  }
}

ahead = Date.now() - Number(board.dataset.now);
regions(document).forEach((region) => raw.set(region.id, told(region)));
tick();
setInterval(countDown, 1000);
setInterval(tick, 5000);
if (every) {
  say("● Live", "good");
  setInterval(refresh, every);
  document.addEventListener("visibilitychange", refresh);
}

// What is wrong is read out when it changes, and not whenever a clock in it ticks.
document.addEventListener("fresh", (event) => {
  if (event.target.id !== "notices") return;
  const whats = [...event.target.querySelectorAll(".what b, p.notice")].map((what) => what.textContent.trim());
  write(document.getElementById("said"), whats.join(" "));
});

// A chart whose figures have changed is drawn anew (page.js).
document.addEventListener("fresh", (event) => {
  event.target.querySelectorAll("script[type='application/json']").forEach((spec) => {
    const box = document.querySelector(`[data-chart="${spec.id}"]`);
    if (box) draw(box);
  });
});
