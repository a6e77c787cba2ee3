// Deciding with care: nothing counts right after a change, long parts are opened first, and how somebody looked is told.
"use strict";

const GUARD_MS = 500;
const TAKES_READING = ["approve", "break_glass"];
const DECIDES = "form[data-guard] button, form[data-guard] input[type=submit], .reject-fold > summary, .glass-fold > summary";
const WRITTEN_IN = "textarea, select, input:not([type=radio], [type=checkbox], [type=submit])";
const unfolded = new Set();
const expanded = new Set();
let guardedUntil = 0;
let isPressedEarly = false;
let saidLast = document.getElementById("poll")?.dataset.said;
let factsLast;
const openedBefore = new Set((document.querySelector("input[name=expanded]")?.value ?? "").split(" ").filter(Boolean));
let focusedMs = 1000 * (document.querySelector("input[name=focus_seconds]")?.value || 0);
let focusedSince = null;

// A page that has just changed, or just got the focus, takes no decision for half a second.
function guard() {
  guardedUntil = performance.now() + GUARD_MS;
  delete document.documentElement.dataset.ready;
  setTimeout(() => {
    if (!isGuarded()) document.documentElement.dataset.ready = "";
  }, GUARD_MS + 1);
}

function isGuarded() {
  return performance.now() < guardedUntil;
}

// What the page says, without the ages, which change by themselves, and without what script adds.
function factsNow() {
  const page = document.querySelector("main")?.cloneNode(true);
  page?.querySelectorAll(".age, .unfold, [data-waits], #call-said").forEach((part) => part.remove());
  return page?.textContent.replace(/\s+/g, " ");
}

window.addEventListener("focus", guard);
document.addEventListener("visibilitychange", guard);
window.addEventListener("pageshow", (event) => {
  guard();
  if (event.persisted) document.querySelectorAll("form[data-sent]").forEach((form) => form.removeAttribute("data-sent"));
});

document.addEventListener("pointerdown", () => { isPressedEarly = isGuarded(); }, true);
document.addEventListener("click", (event) => {
  const isEarly = isGuarded() || (event.detail > 0 && isPressedEarly);
  const button = event.target.closest(DECIDES);
  if (!button) return;
  if (isEarly) stop(event);
  else if (isWaitingForReading(button)) { // before the browser asks for what is missing in the form
    stop(event);
    showFirstUnopened();
  }
}, true);

// Enter, the space bar and single letters may decide something, unless they write a text; a key that is held down never.
window.addEventListener("keydown", (event) => {
  const isHeld = event.repeat && (event.key === "Enter" || event.key === " ");
  if (!(isGuarded() || isHeld) || !document.querySelector("form[data-guard]")) return;
  if (event.ctrlKey || event.metaKey || event.altKey || (event.key !== "Enter" && event.key.length !== 1)) return;
  const field = event.target.closest?.(WRITTEN_IN);
  if (!field || (event.key === "Enter" && field.matches("input"))) stop(event);
}, true);

function stop(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-guard]");
  if (!form) return undefined;
  if (isWaitingForReading(event.submitter) || isGuarded() || document.querySelector("form[data-sent]")) {
    return event.preventDefault();
  }
  report(form);
  form.setAttribute("data-sent", "");
  document.querySelectorAll("form[data-guard] button").forEach((button) => button.setAttribute("aria-disabled", "true"));
  return undefined;
});

// How long the page had the focus, and what was opened: to be read beside the server's own clock, which bounds it.
function countFocus(event) {
  if (focusedSince !== null) focusedMs += performance.now() - focusedSince;
  const isLost = event?.type === "blur" || event?.type === "pagehide";
  focusedSince = !isLost && document.hasFocus() && !document.hidden ? performance.now() : null;
}

["focus", "blur", "pageshow", "pagehide"].forEach((name) => window.addEventListener(name, countFocus));
document.addEventListener("visibilitychange", countFocus);

function report(form) {
  countFocus();
  const [seconds, parts] = [form.elements.focus_seconds, form.elements.expanded];
  if (seconds) seconds.value = (focusedMs / 1000).toFixed(1);
  if (parts) parts.value = [...expanded].join(" ");
}

function partOf(element) {
  return element.closest("[data-part]")?.dataset.part;
}

function noteExpanded(element) {
  const name = partOf(element);
  if (name) expanded.add(name);
}

document.addEventListener("toggle", (event) => {
  if (event.target.open) noteExpanded(event.target);
}, true);

// Long parts are folded; approving waits until those that say what will happen were opened.
function unopened() {
  return [...document.querySelectorAll("#call-what .folded, #call-effect .folded")];
}

function isWaitingForReading(button) {
  return TAKES_READING.includes(button?.value) && unopened().length > 0;
}

function fold(part) {
  if (openedBefore.has(partOf(part))) unfolded.add(part.textContent); // the same page once more: nothing was recorded
  if (part.nextElementSibling?.matches(".unfold") || unfolded.has(part.textContent)) return;
  part.classList.add("folded");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "unfold";
  button.textContent = `Show all ${part.dataset.long}`;
  button.addEventListener("click", () => unfold(part, button));
  part.after(button);
}

function unfold(part, button) {
  unfolded.add(part.textContent);
  noteExpanded(part);
  part.classList.remove("folded");
  part.tabIndex = -1;
  part.focus({ preventScroll: true });
  button.remove();
  showWaiting();
}

function showWaiting() {
  const waits = unopened().length > 0;
  document.querySelectorAll("[data-waits]").forEach((notice) => { notice.hidden = !waits; });
  document.querySelectorAll("button.approve").forEach((button) => button.setAttribute("aria-disabled", String(waits)));
}

function showFirstUnopened() {
  const button = unopened()[0].nextElementSibling;
  button.scrollIntoView({ block: "center" });
  button.focus({ preventScroll: true });
  announce("Open the long parts first; they are folded.");
}

// One place that screen readers listen to; what is said there stays until something else is.
function announce(words) {
  const place = document.getElementById("call-said");
  if (place) place.textContent = words;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  if (!navigator.clipboard) return window.getSelection().selectAllChildren(button.previousElementSibling);
  await navigator.clipboard.writeText(button.dataset.copy);
  button.textContent = "Copied";
});

function guardIfChanged() {
  const facts = factsNow();
  if (facts !== factsLast) guard();
  factsLast = facts;
}

// After a live part has come: the forms carry the server's word on what is shown by now.
function takeOver() {
  guardIfChanged();
  const poll = document.getElementById("poll");
  if (poll?.dataset.opened) {
    document.querySelectorAll("input[name=opened]").forEach((input) => { input.value = poll.dataset.opened; });
  }
  if (poll && poll.dataset.said !== saidLast) announce(poll.dataset.said);
  saidLast = poll?.dataset.said;
}

function prepareParts(root) {
  root.querySelectorAll("[data-long]").forEach(fold);
  root.querySelectorAll("[data-copy]").forEach((button) => { button.hidden = false; });
  showWaiting();
}

document.addEventListener("htmx:load", (event) => prepareParts(event.detail.elt));
document.addEventListener("htmx:afterSettle", takeOver);
document.addEventListener("htmx:oobAfterSwap", guardIfChanged);
openedBefore.forEach((name) => expanded.add(name));
prepareParts(document.body);
openedBefore.clear();
factsLast = factsNow();
countFocus();
guard();
