"use strict";
// The badge of a live page, when the server cannot be reached, or can but Valkey cannot.

function connected(isSo) {
  document.querySelectorAll("[data-live]").forEach((badge) => {
    badge.className = "badge " + (isSo ? "good" : "late");
    badge.textContent = isSo ? "● live" : "↻ reconnecting";
  });
}

document.addEventListener("htmx:sendError", () => connected(false));
document.addEventListener("htmx:sseError", () => connected(false));
document.addEventListener("htmx:sseOpen", () => connected(true));
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.xhr.getResponseHeader("HX-Reswap") === "none") connected(false); // nothing is shown of it
});
