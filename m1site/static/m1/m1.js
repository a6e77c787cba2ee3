// What script adds to pages that work without it. Nothing here decides anything: the server does.
"use strict";

const GUARD_MS = 500;
const skew = Date.parse(document.querySelector("meta[name=m1-now]")?.content ?? "") - Date.now() || 0;
const etags = new Map();
const folds = new Map();
let guardedUntil = 0;
let shown;

// Live parts: asked for again only while somebody looks, and sent only when something happened.
document.addEventListener("htmx:configRequest", (event) => {
  if (document.hidden) return event.preventDefault();
  const known = etags.get(event.detail.path);
  if (known && !event.detail.elt.hasAttribute("data-stale")) event.detail.headers["If-None-Match"] = known;
});

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, target, pathInfo } = event.detail;
  if (!event.detail.shouldSwap) return;
  if (target.matches("[data-hold]") && isUnderPointer(target)) {
    event.detail.shouldSwap = false;
    return hold(target);
  }
  etags.set(pathInfo.requestPath, xhr.getResponseHeader("ETag"));
});

function isUnderPointer(target) {
  return window.matchMedia("(hover: hover)").matches && target.querySelector(".row:hover, form:focus-within") !== null;
}

// The list has changed under the pointer: say so, and wait until the pointer has gone.
function hold(target) {
  if (target.hasAttribute("data-stale")) return;
  target.setAttribute("data-stale", "");
  target.addEventListener("pointerleave", () => window.htmx.trigger(target, "refresh"), { once: true });
  const notice = document.createElement("div");
  notice.className = "changed";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "primary";
  button.textContent = "The list has changed: show";
  button.addEventListener("click", () => window.htmx.trigger(target, "refresh"));
  notice.append(button);
  target.prepend(notice);
}

document.addEventListener("htmx:load", (event) => prepare(event.detail.elt));
document.addEventListener("htmx:oobAfterSwap", () => {
  const now = facts();
  if (now !== shown) guard();
  shown = now;
});

// What the page says, without the ages, which change by themselves.
function facts() {
  const page = document.querySelector("main")?.cloneNode(true);
  page?.querySelectorAll(".age").forEach((age) => age.remove());
  return page?.textContent.replace(/\s+/g, " ");
}

// A page that has just changed, or just got the focus, takes no decision for half a second.
function guard() {
  guardedUntil = performance.now() + GUARD_MS;
  delete document.documentElement.dataset.ready;
  setTimeout(() => {
    if (performance.now() >= guardedUntil - 1) document.documentElement.dataset.ready = "";
  }, GUARD_MS);
}

function isGuarded() {
  return performance.now() < guardedUntil;
}

window.addEventListener("focus", guard);
window.addEventListener("pageshow", (event) => {
  guard();
  if (event.persisted) document.querySelectorAll("form[data-sent]").forEach((form) => form.removeAttribute("data-sent"));
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("form[data-guard] button, .reject-fold > summary");
  if (button && isGuarded()) event.preventDefault();
}, true);

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-guard]");
  if (!form) return;
  const waits = event.submitter?.value === "approve" && unopened().length > 0;
  if (waits || isGuarded() || document.querySelector("form[data-sent]")) return event.preventDefault();
  form.setAttribute("data-sent", "");
  document.querySelectorAll("form[data-guard] button").forEach((button) => button.setAttribute("aria-disabled", "true"));
});

// Long arguments are folded; approving waits until all were opened.
function unopened() {
  return [...document.querySelectorAll("#call-what .folded")];
}

function fold(part) {
  if (part.nextElementSibling?.matches(".unfold")) return;
  part.classList.add("folded");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "unfold";
  button.textContent = `Show all ${part.dataset.long}`;
  button.addEventListener("click", () => {
    part.classList.remove("folded");
    button.remove();
    showWaiting();
  });
  part.after(button);
}

function showWaiting() {
  const waits = unopened().length > 0;
  document.querySelectorAll("[data-waits]").forEach((notice) => { notice.hidden = !waits; });
  document.querySelectorAll("button.approve").forEach((button) => button.setAttribute("aria-disabled", String(waits)));
}

document.addEventListener("toggle", (event) => {
  if (event.target.id) folds.set(event.target.id, event.target.open);
}, true);

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.textContent = "Copied";
});

// Ages run on between two answers of the server, by the server's clock.
function distance(seconds) {
  const size = Math.abs(Math.round(seconds));
  if (size < 5) return "now";
  const [length, unit] = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]].find(([unitSize]) => size >= unitSize);
  const count = Math.floor(size / length);
  const words = `${count} ${unit}${count > 1 ? "s" : ""}`;
  return seconds > 0 ? `in ${words}` : `${words} ago`;
}

function showAges() {
  const now = Date.now() + skew;
  document.querySelectorAll("time[datetime]").forEach((time) => {
    const age = time.querySelector(".age");
    const words = distance((Date.parse(time.dateTime) - now) / 1000);
    if (age && age.textContent !== words) age.textContent = words;
  });
}

function prepare(root) {
  root.querySelectorAll("[data-long]").forEach(fold);
  root.querySelectorAll("[data-copy]").forEach((button) => { button.hidden = false; });
  root.querySelectorAll("details[id]").forEach((part) => {
    if (folds.has(part.id)) part.open = folds.get(part.id);
  });
  const inbox = document.getElementById("inbox");
  if (inbox) document.title = inbox.dataset.count === "0" ? "Inbox · M1" : `(${inbox.dataset.count}) Inbox · M1`;
  showWaiting();
  showAges();
}

const jump = document.querySelector(".jump");
const decide = document.getElementById("decide");
if (jump && decide) {
  new IntersectionObserver(([seen]) => jump.classList.toggle("there", seen.isIntersecting)).observe(decide);
}
prepare(document.body);
shown = facts();
guard();
setInterval(showAges, 5000);
