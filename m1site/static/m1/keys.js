// Single keys on the inbox and the approval page. They press what is there to be pressed: every check stays in force.
"use strict";

const keys = document.querySelector("[data-keys]");
const keysHelp = document.getElementById("keys-help");
const keysSwitch = document.getElementById("keys-switch");
const KEYS_STORE = "m1-keys";
const READ_FIRST = "#call-head, #call-what, #call-changes, #call-effect";
const PARTS = "#call-head, .approval section[aria-labelledby]";
const TYPES_TEXT = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=submit], [type=button])";
const read = new Map();

function saysOff() {
  try {
    return localStorage.getItem(KEYS_STORE) === "off";
  } catch {
    return false;
  }
}

function sayKeys(words) {
  document.getElementById("keys-said").textContent = words;
}

function showSwitch() {
  const isOn = !saysOff();
  keysSwitch.setAttribute("aria-checked", String(isOn));
  keysSwitch.querySelector("[data-state]").textContent = isOn ? "on" : "off";
}

function flipSwitch() {
  try {
    localStorage.setItem(KEYS_STORE, saysOff() ? "on" : "off");
  } catch {
    return sayKeys("This browser does not let M1 keep the switch.");
  }
  showSwitch();
  return sayKeys(saysOff() ? "Single keys are off." : "Single keys are on.");
}

// The list: the first link of each row.
function links() {
  return [...document.querySelectorAll(".live .row > a[id]")];
}

function step(things, by) {
  const at = things.findIndex((one) => one === document.activeElement || one.parentElement?.contains(document.activeElement));
  const next = things[Math.min(Math.max(at < 0 && by < 0 ? 0 : at + by, 0), things.length - 1)];
  if (!next) return;
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function here() {
  return document.activeElement?.closest?.(".row")?.querySelector(":scope > a[id]");
}

function openCall() {
  const link = here();
  if (!link) return sayKeys("Go to a call first, with J or K.");
  return link.click();
}

const INBOX_KEYS = {
  j: () => step(links(), 1),
  k: () => step(links(), -1),
  a: openCall,
  r: openCall,
  n: () => (links()[0] ? links()[0].click() : sayKeys("Nothing waits for you.")),
  x: () => here()?.closest(".row").querySelector(".pick input")?.click(),
  u: () => document.querySelectorAll(".live[data-hold]").forEach((list) => list.dispatchEvent(new Event("m1:show", { bubbles: true }))),
};

// The page of a call. What has been in view to its end counts as seen, until the page changes.
function parts() {
  const found = [...document.querySelectorAll(PARTS)].filter((part) => part.getClientRects().length > 0);
  found.forEach((part) => { part.tabIndex = -1; });
  return found;
}

function stepPart(by) {
  const all = parts();
  const at = all.findIndex((part) => part === document.activeElement);
  const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
  next?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "start" });
}

function saidBy(part) {
  const copy = part.cloneNode(true);
  copy.querySelectorAll(".age, .unfold").forEach((one) => one.remove());
  return copy.textContent;
}

function noteRead() {
  if (document.hidden) return;
  document.querySelectorAll(READ_FIRST).forEach((part) => {
    const { bottom, height } = part.getBoundingClientRect();
    if (height === 0 || (bottom > 0 && bottom <= window.innerHeight)) read.set(part.id, saidBy(part));
  });
}

function isInView(part) {
  const { top, bottom } = part.getBoundingClientRect();
  return top >= 0 && bottom <= window.innerHeight;
}

function showUnread() {
  noteRead();
  const part = [...document.querySelectorAll(READ_FIRST)].find((one) => read.get(one.id) !== saidBy(one));
  if (!part) return false;
  const { bottom } = part.getBoundingClientRect();
  const page = window.innerHeight - (document.querySelector(".top")?.offsetHeight ?? 0) - 48;
  if (bottom <= 0) part.scrollIntoView({ block: "start", behavior: "instant" });
  else window.scrollBy({ top: Math.min(page, bottom - window.innerHeight + 24), behavior: "instant" });
  noteRead();
  sayKeys("You had not seen all of it. Read on, and press A again.");
  return true;
}

// Approves what stands in view and was seen to its end; anything else takes another press.
function approve() {
  const button = document.querySelector("button.approve[name=answer]");
  if (!button) return sayKeys("There is nothing for you to approve here.");
  if (document.querySelector("#call-what .folded, #call-effect .folded")) return button.click();
  if (showUnread()) return undefined;
  const name = button.form.querySelector("input[name=named]");
  if (name && !name.value) {
    name.scrollIntoView({ block: "center" });
    name.focus({ preventScroll: true });
    return sayKeys("Type the name of the tool, then press Enter.");
  }
  if (isInView(button)) return button.click();
  button.scrollIntoView({ block: "center", behavior: "instant" });
  return sayKeys("Press A again to approve.");
}

function reject() {
  const fold = document.getElementById("reject-fold");
  if (!fold) return sayKeys("There is nothing for you to reject here.");
  fold.open = true;
  const first = fold.querySelector("input[type=radio], textarea");
  first.scrollIntoView({ block: "center" });
  return first.focus({ preventScroll: true });
}

function next() {
  const link = document.querySelector("[data-key=n]");
  if (link) return link.click();
  return sayKeys("No other call waits for you.");
}

const CALL_KEYS = { j: () => stepPart(1), k: () => stepPart(-1), a: approve, r: reject, n: next };

function leave(target) {
  if (target.matches?.(TYPES_TEXT)) return target.blur();
  const fold = document.getElementById("reject-fold");
  if (!fold?.open || !fold.contains(target)) return undefined;
  fold.open = false;
  return fold.querySelector("summary").focus();
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented || keysHelp.open) return;
  if (event.key === "Escape") return leave(event.target);
  if (event.repeat && !"jk".includes(event.key)) return;
  if (saysOff() || event.target.closest?.(TYPES_TEXT)) return;
  const known = keys.dataset.keys === "inbox" ? INBOX_KEYS : CALL_KEYS;
  const act = event.key === "?" ? () => keysHelp.showModal() : !event.shiftKey && known[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
}

if (keys) {
  keys.hidden = false;
  showSwitch();
  keysSwitch.addEventListener("click", flipSwitch);
  document.getElementById("keys-help-open").addEventListener("click", () => keysHelp.showModal());
  document.addEventListener("keydown", pressed);
  ["scroll", "resize", "load"].forEach((name) => window.addEventListener(name, noteRead, { passive: true }));
  document.addEventListener("htmx:afterSettle", noteRead);
  window.addEventListener("storage", showSwitch);
  noteRead();
}
