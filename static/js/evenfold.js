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

const waiting = document.querySelector("[data-refresh]");
if (waiting) setTimeout(() => location.reload(), Number(waiting.dataset.refresh) * 1000);
