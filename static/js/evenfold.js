// Script only improves: every page works without it.
const summary = document.querySelector(".summary-of-errors");
if (summary) summary.focus();

for (const form of document.querySelectorAll("form[method=post]")) {
  // A double click sends one form; the server would bear two as well.
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
// A page taken from the browser's memory may be sent again.
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

// A page that is recorded also says when it is left.
if (document.querySelector("main[data-recorded]")) addEventListener("pagehide", () => {
  const left = new URLSearchParams({ nonce: document.querySelector("script[nonce]").nonce });
  fetch("/left", { method: "POST", body: left, keepalive: true }).catch(() => {});
});

const waiting = document.querySelector("[data-refresh]");
if (waiting) setTimeout(() => location.reload(), Number(waiting.dataset.refresh) * 1000);

// Passkeys. A form that says data-passkey="create" or "get" first asks the server what to sign, then the browser.
for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) continue;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const trouble = form.querySelector("[role=alert]");
    trouble.textContent = "";
    try {
      const token = new URLSearchParams({ csrf_token: form.elements.csrf_token.value });
      const answer = await fetch(form.dataset.options, { method: "POST", body: token });
      if (!answer.ok) throw new Error(answer.statusText);
      const asked = await answer.json();
      const credential = form.dataset.passkey === "create"
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked) });
      form.elements.credential.value = JSON.stringify(credential.toJSON());
      HTMLFormElement.prototype.submit.call(form);
    } catch {
      trouble.textContent = form.dataset.trouble;
      delete form.dataset.sent;
    }
  });
}
