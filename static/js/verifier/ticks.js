// Whether a page was first shown with a box ticked that its reader had not ticked, as `verify/bundle/ticks.py` has it.

import { hex, sha256 } from "./spelling.js";

const BY_READER = ["visitor", "customer"];
const TAG = /<input(?=[\t\n\f\r />])/gi;
const PART = /[\t\n\f\r /]*([^\t\n\f\r />=<]+)(?:[\t\n\f\r ]*=[\t\n\f\r ]*(?:"([^"]*)"|'([^']*)'|([^\t\n\f\r ><]*)))?/y;
const END = /[\t\n\f\r /]*>/y;

function matchAt(form, text, at) {
  form.lastIndex = at;
  return form.exec(text);
}

// The names of what is ticked or chosen; one that is not well formed counts.
function tickedOn(page) {
  const names = [];
  for (const tag of page.matchAll(TAG)) {
    const parts = new Map();
    let at = tag.index + tag[0].length;
    for (let part = matchAt(PART, page, at); part !== null; part = matchAt(PART, page, at)) {
      const [whole, name, ...values] = part;
      if (!parts.has(name.toLowerCase())) parts.set(name.toLowerCase(), values.find(Boolean) ?? "");
      at += whole.length;
    }
    if (parts.has("checked") || matchAt(END, page, at) === null) names.push(parts.get("name") ?? "");
  }
  return names;
}

async function freshPage(bundle, entry) {
  const [said, bytes] = [bundle.opened.get(entry.index), bundle.files.get(entry.page ?? "")];
  if (said === undefined || bytes === undefined || entry.leaf.t === "comparison:shown" || said.body.get("status") !== 200) return null;
  return hex(await sha256(bytes)) === entry.leaf.r ? new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes) : null;
}

// Whether an act of the reader is about what is ticked on the page.
function enters(bundle, act, view, name) {
  const [said, shown] = [bundle.opened.get(act.index), bundle.opened.get(view.index)];
  if (said === undefined || act.leaf.r !== null || act.leaf.t === "page:left") return false;
  if (!BY_READER.includes(said.actor.get("role")) || said.application_id !== shown.application_id) return false;
  const spelled = ["question", "field"].map((key) => said.body.get(key)).filter((value) => typeof value === "string");
  const document = shown.body.get("document_id");
  return (
    (act.leaf.pv !== null && act.leaf.pv === view.leaf.pv) ||
    (typeof document === "string" && said.body.get("document_id") === document) ||
    spelled.some((value) => value.replaceAll(".", "_") === name.replaceAll(".", "_"))
  );
}

export async function checkTicks(find, bundle) {
  for (const view of bundle.entries) {
    const page = await freshPage(bundle, view);
    const before = bundle.entries.filter(({ index }) => index < view.index);
    const name = page && tickedOn(page).find((each) => !before.some((act) => enters(bundle, act, view, each)));
    if (typeof name === "string") find("DEFAULT_TICK", view.index, name);
  }
}
