// Passkeys: the parts of a page that need them, and words for what a browser calls an error.
"use strict";

if (window.PublicKeyCredential) {
  document.querySelectorAll("[data-passkey]").forEach((part) => { part.hidden = false; });
}

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const problem = document.querySelector("[data-passkey-problem]");
  if (!problem) return;
  const isCancelled = event.detail.exception?.name === "NotAllowedError";
  const isKnown = event.detail.exception?.name === "InvalidStateError";
  problem.textContent = isCancelled ? "You cancelled, or it took too long. Try again." :
    isKnown ? "This passkey is in your account already." : "That did not work. Try again, or use another way.";
  problem.hidden = false;
});
