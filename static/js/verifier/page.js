// The page of the check: takes files, sends nothing, shows each finding in the sentences that the page brought along.

import { NOTES, checkEvidence } from "./evidence.js";
import { canCheck } from "./note.js";

const form = document.querySelector("[data-evidence]");
const result = document.querySelector("[data-result]");
const sentences = document.querySelector("[data-sentences]").content;

const bytesOf = async (file) => new Uint8Array(await file.arrayBuffer());

function lineOf({ code, entry, detail }) {
  const line = sentences.querySelector(`[data-code="${code}"]`).cloneNode(true);
  const about = line.querySelector("[data-entry]");
  about.hidden = entry === null;
  about.querySelector(".num").textContent = entry;
  const more = line.querySelector("[data-detail]");
  more.hidden = detail === "";
  more.textContent = detail.replaceAll(/\p{C}/gu, "\ufffd");
  return line;
}

// Instants as the log says them, to the second.
function showInterval(interval) {
  for (const line of result.querySelectorAll("[data-interval]")) {
    line.hidden = interval === null || (interval.after !== null) !== (line.dataset.interval === "both");
    for (const time of line.querySelectorAll("time")) {
      const at = new Date((interval?.[time.dataset.at] ?? 0) * 1000).toISOString();
      time.dateTime = at;
      time.textContent = `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`;
    }
  }
}

function show(verdict, { findings, entries, interval } = { findings: [], entries: 0, interval: null }) {
  showInterval(verdict === "verified" ? interval : null);
  for (const box of result.querySelectorAll("[data-verdict]")) box.hidden = box.dataset.verdict !== verdict;
  result.querySelector("[data-entries]").textContent = entries;
  result.querySelector("[data-findings]").replaceChildren(...findings.map(lineOf));
  result.hidden = false;
  result.focus();
}

form.hidden = false;
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!(await canCheck())) {
    show("unable");
    return;
  }
  const { evidence, policy, receipts, authorities } = form.elements;
  const mine = await Promise.all(Array.from(receipts.files, bytesOf));
  const trusted = authorities.files.length > 0 ? await bytesOf(authorities.files[0]) : null;
  const found = await checkEvidence(await bytesOf(evidence.files[0]), await bytesOf(policy.files[0]), mine, trusted);
  show(found.findings.some(({ code }) => !NOTES.has(code)) ? "faulty" : "verified", found);
});
