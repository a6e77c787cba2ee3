// What script adds to pages that work without it. Nothing here decides anything: the server does.
"use strict";

const skew = Date.parse(document.querySelector("meta[name=m1-now]")?.content ?? "") - Date.now() || 0;
const etags = new Map();
const folds = new Map();

// Live parts: asked for again only while somebody looks, and sent only when something happened.
document.addEventListener("htmx:configRequest", (event) => {
  if (document.hidden) return event.preventDefault();
  const known = etags.get(event.detail.path);
  if (known && !event.detail.elt.hasAttribute("data-stale")) event.detail.headers["If-None-Match"] = known;
});

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, target, pathInfo } = event.detail;
  if (!event.detail.shouldSwap) return;
  if (target.matches("[data-hold]") && !target.hasAttribute("data-asked") && isInUse(target)) {
    event.detail.shouldSwap = false;
    return hold(target);
  }
  etags.set(pathInfo.requestPath, xhr.getResponseHeader("ETag"));
});

// What a live part shows may be old when it cannot be asked for anew: that is said, and taken back by itself.
document.addEventListener("htmx:afterRequest", (event) => {
  const { status } = event.detail.xhr;
  const words = status === 0 || status >= 500 ? "M1 does not answer. What you see may be out of date." : "";
  const place = document.getElementById("connection");
  if (place && place.textContent !== words) place.textContent = words;
});

// What is under the pointer or has the focus stays where it is: a press must meet what it was meant for.
function isInUse(target) {
  const isHovered = window.matchMedia("(hover: hover)").matches && target.querySelector(".row:hover") !== null;
  return isHovered || isTouched || target.querySelector(".row :focus-visible, form:focus-within") !== null;
}

let isTouched = false;
["pointerdown", "pointerup", "pointercancel"].forEach((name) => {
  document.addEventListener(name, () => { isTouched = name === "pointerdown"; }, true);
});

// The list has changed while it is in use: say so, and wait until pointer and focus have gone.
function hold(target) {
  if (target.hasAttribute("data-stale")) return;
  target.setAttribute("data-stale", "");
  const refresh = () => { if (target.isConnected) window.htmx.trigger(target, "refresh"); };
  target.addEventListener("pointerleave", refresh);
  target.addEventListener("focusout", (event) => { if (!target.contains(event.relatedTarget)) refresh(); });
  const notice = document.createElement("div");
  notice.className = "changed";
  notice.setAttribute("role", "status");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "primary";
  button.textContent = "The list has changed: show";
  button.addEventListener("click", () => show(target));
  notice.append(button);
  target.prepend(notice);
}

// Somebody asked for it: the new list comes, whatever is in use.
function show(target) {
  target.setAttribute("data-asked", "");
  window.htmx.trigger(target, "refresh");
}

document.addEventListener("htmx:afterRequest", (event) => event.target.removeAttribute("data-asked"));
document.addEventListener("m1:show", (event) => show(event.target));

// Calls that were chosen stay so when the list comes anew, and the bar says how many.
const chosen = new Set();
document.addEventListener("change", (event) => {
  if (!event.target.matches(".pick input")) return;
  chosen[event.target.checked ? "add" : "delete"](event.target.value);
  showChosen();
});

function showChosen() {
  const bar = document.querySelector(".together");
  if (!bar) return;
  const boxes = [...document.querySelectorAll(".pick input")];
  boxes.forEach((box) => { box.checked = chosen.has(box.value); });
  const count = boxes.filter((box) => box.checked).length;
  bar.classList.toggle("idle", count === 0);
  bar.querySelector("[data-chosen]").textContent = count === 0 ? "" : `${count} chosen`;
}

document.addEventListener("htmx:load", (event) => prepare(event.detail.elt));
document.addEventListener("toggle", (event) => {
  if (event.target.id) folds.set(event.target.id, event.target.open);
}, true);

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
  root.querySelectorAll("details[id]").forEach((part) => {
    if (folds.has(part.id)) part.open = folds.get(part.id);
  });
  const inbox = document.getElementById("inbox");
  if (inbox) document.title = inbox.dataset.count === "0" ? "Inbox · M1" : `(${inbox.dataset.count}) Inbox · M1`;
  showAges();
  showChosen();
}

const jump = document.querySelector(".jump");
const decide = document.getElementById("decide");
if (jump && decide) {
  new IntersectionObserver(([seen]) => jump.classList.toggle("there", seen.isIntersecting)).observe(decide);
}
document.querySelectorAll(".pick input:checked").forEach((box) => chosen.add(box.value));
prepare(document.body);
setInterval(showAges, 5000);
