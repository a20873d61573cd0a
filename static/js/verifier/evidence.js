// The evidence of a contract, checked as `verify/bundle` does: the same findings with the same codes.
//
// A finding is { code, entry, detail }: the entry's number in the log where it is about one, a file's name or the like.

import { journeyOfLog, logEntryOf } from "./logentry.js";
import { verifyConsistency, verifyInclusion } from "./merkle.js";
import { Refused, accept, readConsistency, readPolicy, readProof } from "./note.js";
import { checkReleases } from "./releases.js";
import { believed } from "./rotations.js";
import { CHECKPOINT, NEWER, SALTED, anything, isCount, isHash, isList, isObject, isText, isUuid, leafOf, listOf, oneOf, orNull, parts } from "./shapes.js";
import { bytesOf, canonical, hex, readJson, same, sha256, textOf, unhex } from "./spelling.js";
import { checkTicks } from "./ticks.js";
import { NotKnown, stampedAt, trustedAs } from "./timestamps.js";
import { readZip } from "./zip.js";

export const NOTES = new Set(["WITHHELD", "ERASED", "ILLUSTRATION", "RELEASE_NOT_LOGGED", "NO_TIMESTAMP", "TIMESTAMP_LATE", "TIMESTAMP_NOT_CHECKED"]);

const CORE = "core/core.json";
const SLACK = 60;
const LONGEST_WAIT = 3600;
const LATEST_STAMP = 86400;
const MOST_STAMPS = 40;
const MOST_CHECKPOINTS = 100;

// --- shapes ----------------------------------------------------------------------------------------------------------

const isCoreFile = (value) => isText(value) && value.startsWith("core/") && ![CORE, CHECKPOINT].includes(value);
const ENTRY = {
  index: isCount, leaf: anything, proof: listOf(isHash), size: isCount, body: orNull(isText), page: orNull(isText),
  withheld: oneOf(null, "other_insurer", "other_contract", "erased"),
};
const DOCUMENT = { name: isText, sha256: isHash, file: isCoreFile };
const EXHIBIT = { kind: isText, ...DOCUMENT };
const CONTRACT = { application_id: isUuid, policy_no: orNull(isText) };
const SHAPE = {
  format: oneOf("evenfold-evidence/1"), origin: isText, contract: isObject, entries: isList, page_versions: isObject,
  documents: isList, exhibits: isList,
};
const ENVELOPE = {
  actor: isObject, application_id: orNull(isUuid), body: isObject, business_at: isText, entry_id: isUuid, insurer_id: orNull(isUuid),
};
const ACTOR = { account_id: orNull(isUuid), label: isText, role: isText };

async function entryOf(value) {
  const found = parts(value, ENTRY);
  const names = { body: `core/bodies/${found.index}.json`, page: `core/pages/${found.index}.html` };
  if (Object.entries(names).some(([key, name]) => ![null, name].includes(found[key]))) throw new Refused("MALFORMED");
  return { ...found, leaf: await leafOf(found.leaf), proof: found.proof.map(unhex) };
}

// --- receipts and checkpoints ----------------------------------------------------------------------------------------

async function accepted(find, policy, bytes, name) {
  try {
    return { name, ...(await accept(policy, bytes)) };
  } catch (error) {
    find(error instanceof Refused ? error.code : "MALFORMED", null, name);
    return null;
  }
}

export async function checkReceipt(find, policy, bytes, name) {
  let proof, leaf;
  try {
    proof = readProof(bytes);
    leaf = await leafOf(readJson(proof.extra));
  } catch {
    find("MALFORMED", null, name);
    return null;
  }
  const head = await accepted(find, policy, proof.checkpoint, name);
  if (head === null) return null;
  if (!(await verifyInclusion(leaf.hash, proof.index, head.size, head.root, proof.hashes))) {
    find("NOT_IN_LOG", proof.index, name);
    return null;
  }
  return { index: proof.index, leaf, head: { ...head, isOutside: true } };
}

async function step(head, longer, proofs) {
  if (head.size === longer.size) return same(head.root, longer.root);
  if (head.size === 0n) return true;
  const proof = proofs.get(`${head.size}-${longer.size}`);
  return proof === undefined ? null : verifyConsistency(head.size, longer.size, head.root, longer.root, proof);
}

// Every head must be shown to be the beginning of the longest: what both begin with does not connect two heads.
async function compare(find, heads, proofs) {
  const [longest, ...others] = heads.toSorted((one, other) => Number(other.size - one.size) || Boolean(other.isOutside) - Boolean(one.isOutside));
  const leading = [longest];
  for (const head of others) {
    if (head.origin !== longest.origin) {
      find("FOREIGN_LOG", null, head.name);
      continue;
    }
    const steps = [];
    for (const other of leading) steps.push(await step(head, other, proofs));
    if (steps.includes(true)) leading.push(head);
    else find(steps.includes(false) || longest.isOutside ? "FORK" : "CONSISTENCY_MISSING", null, `${head.size}-${longest.size}`);
  }
}

async function checkLog(find, policy, bundle, receipts) {
  if (bundle.checkpoints.length > MOST_CHECKPOINTS) find("UNREADABLE");
  const heads = [];
  for (const name of bundle.checkpoints.slice(0, MOST_CHECKPOINTS)) {
    const bytes = bundle.take(name);
    if (bytes === undefined) find("MISSING_FILE", null, name);
    else heads.push(await accepted(find, policy, bytes, name));
  }
  const known = heads.filter(Boolean);
  for (const head of known.filter(({ origin }) => origin !== bundle.origin)) find("FOREIGN_LOG", null, head.name);
  const core = known.find(({ name }) => name === CHECKPOINT);
  for (const entry of core ? bundle.entries : []) {
    const isThere = await verifyInclusion(entry.leaf.hash, BigInt(entry.index), core.size, core.root, entry.proof);
    if (BigInt(entry.size) !== core.size || !isThere) find("NOT_IN_LOG", entry.index);
  }
  const proofs = new Map();
  for (const [name, bytes] of bundle.files) {
    const [, sizes] = /^wrapper\/consistency\/((?:0|[1-9]\d{0,18})-[1-9]\d{0,18})$/.exec(name) ?? [];
    try {
      if (sizes) proofs.set(sizes, readConsistency(bytes));
    } catch {
      find("MALFORMED", null, name);
    }
  }
  const all = [...known, ...receipts.map(({ head }) => head)];
  if (all.length > 0) await compare(find, all, proofs);
  return known;
}

// --- what was said and shown -----------------------------------------------------------------------------------------

async function checkBody(find, bundle, entry) {
  if (entry.body === null) return;
  const bytes = bundle.take(entry.body);
  if (bytes === undefined) {
    find("MISSING_FILE", entry.index, entry.body);
    return;
  }
  try {
    const { salt, envelope } = parts(readJson(bytes), SALTED);
    const said = parts(envelope, ENVELOPE);
    parts(said.actor, ACTOR);
    const hash = await sha256(unhex(salt), bytesOf(canonical(envelope)));
    if (hex(hash) === entry.leaf.b) bundle.opened.set(entry.index, said);
    else find("BODY_ALTERED", entry.index);
  } catch {
    find("MALFORMED", entry.index, entry.body);
  }
}

async function checkPage(find, bundle, entry) {
  if (entry.page === null) return;
  const bytes = bundle.take(entry.page);
  if (bytes === undefined) find("MISSING_FILE", entry.index, entry.page);
  else if (hex(await sha256(bytes)) !== entry.leaf.r) find("PAGE_ALTERED", entry.index);
}

function checkPresence(find, entry) {
  if (entry.withheld !== null) {
    find(entry.withheld === "erased" ? "ERASED" : "WITHHELD", entry.index);
    if (entry.body !== null) find("MALFORMED", entry.index);
  } else if (entry.body === null || (entry.page === null && entry.leaf.r !== null)) {
    find("MISSING_FILE", entry.index);
  }
}

/** While a dispute is open nothing of its contract is erased; what opens, closes and erases is known by its leaf. */
function checkDisputes(find, bundle) {
  const disputes = [];
  const own = bundle.entries.filter(({ withheld }) => withheld === null || withheld === "erased");
  for (const { leaf, index } of own.toSorted((one, other) => (one.index < other.index ? -1 : 1))) {
    if (leaf.t === "hold:opened") disputes.push(index);
    else if (leaf.t === "hold:closed") disputes.pop();
    else if (leaf.t === "data:erased" && disputes.length > 0) return find("ERASED_IN_DISPUTE", index);
  }
  if (disputes.length > 0 && own.some(({ withheld }) => withheld === "erased")) find("ERASED_IN_DISPUTE", disputes[0]);
}

async function provenVersions(find, bundle) {
  const shown = new Map(bundle.entries.toReversed().filter(({ leaf }) => leaf.pv).map((entry) => [entry.leaf.pv, entry]));
  const proven = [];
  for (const [version, entry] of shown) {
    const manifest = bundle.versions.get(version);
    if (manifest === undefined) find("MISSING_FILE", entry.index, version);
    else if (hex(await sha256(bytesOf(canonical(manifest)))) !== version) find("PAGE_VERSION_ALTERED", entry.index);
    else proven.push(manifest);
  }
  for (const version of bundle.versions.keys()) if (!shown.has(version)) find("EXTRA_FILE", null, version);
  return proven;
}

function hashesIn(values) {
  const found = new Set();
  while (values.length > 0) {
    const value = values.pop();
    if (isObject(value)) values.push(...value.values());
    else if (isList(value)) values.push(...value);
    else if (isHash(value)) found.add(value);
  }
  return found;
}

async function checkContents(find, bundle) {
  for (const entry of bundle.entries) {
    checkPresence(find, entry);
    await checkBody(find, bundle, entry);
    await checkPage(find, bundle, entry);
  }
  checkDisputes(find, bundle);
  const named = hashesIn([...(await provenVersions(find, bundle)), ...Array.from(bundle.opened.values(), ({ body }) => body)]);
  for (const described of [...bundle.documents, ...bundle.exhibits]) {
    const bytes = bundle.take(described.file);
    if (bytes === undefined) find("MISSING_FILE", null, described.file);
    else if (hex(await sha256(bytes)) !== described.sha256) find("ASSET_REPLACED", null, described.file);
    if (!named.has(described.sha256)) find("kind" in described ? "ILLUSTRATION" : "ASSET_REPLACED", null, described.file);
  }
  checkRecordings(find, bundle);
}

// What browsers recorded and was kept is there: leaving one out says as much as changing it.
function checkRecordings(find, bundle) {
  const there = new Set(bundle.exhibits.map(({ sha256: hash }) => hash));
  for (const entry of bundle.entries.filter(({ leaf }) => leaf.t === "recording:kept")) {
    const said = bundle.opened.get(entry.index);
    if (said !== undefined && !there.has(said.body.get("sha256"))) find("MISSING_FILE", entry.index);
  }
}

// --- the journeys ----------------------------------------------------------------------------------------------------

function checkJourney(find, entries) {
  for (const [place, entry] of entries.slice(1).entries()) {
    const before = entries[place];
    if (!(before.leaf.n < entry.leaf.n && before.index < entry.index)) find("REORDERED", entry.index);
  }
  const byNumber = new Map(entries.map((entry) => [entry.leaf.n, entry]));
  let last = 0;
  for (const number of Array.from(byNumber.keys()).sort((one, other) => (one < other ? -1 : 1))) {
    if (Number(number) !== last + 1) find("GAP", entries.find(({ leaf }) => leaf.n === number).index, `${last + 1}–${Number(number) - 1}`);
    last = Number(number);
  }
  for (const entry of entries) {
    const before = byNumber.get(entry.leaf.n - 1);
    if (before && entry.leaf.p !== hex(before.leaf.hash)) find("CHAIN_BROKEN", entry.index);
  }
}

function checkEnd(find, bundle) {
  const hashes = new Set(bundle.entries.map(({ leaf }) => hex(leaf.hash)));
  const concluded = bundle.entries.filter(({ leaf }) => leaf.t === "contract:concluded");
  for (const entry of concluded) {
    const head = bundle.opened.get(entry.index)?.body.get("head") ?? null;
    if (head !== null && !hashes.has(head)) find("TRUNCATED_TAIL", entry.index);
  }
  const { application_id: application, policy_no: number } = bundle.contract;
  const isOwn = (entry) => bundle.opened.get(entry.index)?.application_id === application;
  const concludes = (entry) => {
    const said = bundle.opened.get(entry.index);
    return said ? isOwn(entry) && said.body.get("number") === number : !["other_insurer", "other_contract"].includes(entry.withheld);
  };
  if (number === null) {
    if (concluded.some(isOwn) || (bundle.opened.size > 0 && !bundle.entries.some(isOwn))) find("WRONG_CONTRACT");
  } else if (concluded.length === 0) {
    find("TRUNCATED_TAIL");
  } else if (!concluded.some(concludes)) {
    find("WRONG_CONTRACT");
  }
}

function checkMine(find, bundle, { index, leaf }) {
  const isMine = (entry) => BigInt(entry.index) === index;
  if (bundle.entries.some((entry) => isMine(entry) && same(entry.leaf.hash, leaf.hash))) return;
  const other = bundle.entries.find((entry) => isMine(entry) || (entry.leaf.j === leaf.j && entry.leaf.n === leaf.n));
  if (other) find("FORK", other.index);
  else find(bundle.entries.some((entry) => entry.leaf.j === leaf.j) ? "TRUNCATED_TAIL" : "FOREIGN_RECEIPT", index);
}

// --- when ------------------------------------------------------------------------------------------------------------

// Where the log says that its tree `stamped` has this time-stamp; null where it is not shown, or not true.
async function placeInLog(find, bundle, heads, name, token, stamped) {
  const bytes = bundle.files.get(name);
  const core = heads.find((head) => head.name === CHECKPOINT);
  if (bytes === undefined || core === undefined) return null;
  try {
    const file = parts(readJson(bytes), { body: isObject, entry: isObject });
    const { index, leaf, said } = await logEntryOf(file.body, file.entry, core);
    const isNamed =
      said.get("token_sha256") === hex(await sha256(token)) && said.get("root") === hex(stamped.root) &&
      isCount(said.get("size")) && BigInt(said.get("size")) === stamped.size;
    if (leaf.t !== "log:stamped" || leaf.j !== (await journeyOfLog(bundle.origin)) || !isNamed) throw new Refused("MALFORMED");
    return index;
  } catch {
    find("TIMESTAMP_INVALID", null, name);
    return null;
  }
}

// Who saw a tree when, by time-stamps: { size, at, place }.
async function stampsOf(find, bundle, heads, authorities) {
  const form = /^(wrapper\/timestamps\/(0|[1-9]\d{0,18})-([a-z0-9.-]{1,120}))\.tst$/;
  const tokens = Array.from(bundle.files.keys()).sort().map((name) => form.exec(name)).filter(Boolean);
  if (tokens.length > MOST_STAMPS) find("UNREADABLE");
  const found = [];
  for (const [name, stem, size, authority] of tokens.slice(0, MOST_STAMPS)) {
    const head = heads.find((each) => each.size === BigInt(size));
    if (head === undefined) {
      find("TIMESTAMP_INVALID", null, name);
    } else {
      try {
        const trusted = authorities ? trustedAs(authority, authorities) : [];
        if (trusted.length === 0) throw new NotKnown(authority);
        const token = bundle.files.get(name);
        const at = await stampedAt(token, bundle.files.get(head.name), trusted);
        found.push({ size: head.size, at, place: await placeInLog(find, bundle, heads, `${stem}.json`, token, head) });
      } catch (error) {
        find(error instanceof NotKnown ? "TIMESTAMP_NOT_CHECKED" : "TIMESTAMP_INVALID", null, name);
      }
    }
  }
  return found;
}

// Between what times all that was recorded came into the log, in seconds since 1970: { after, before }.
function intervalOf(find, bundle, sightings, isChecked) {
  const places = bundle.entries.map(({ index }) => BigInt(index));
  if (places.length === 0) return null;
  const [first, last] = [places.reduce((one, other) => (one < other ? one : other)), places.reduce((one, other) => (one > other ? one : other))];
  const ends = sightings.filter(({ size }) => size > last).map(({ at }) => at);
  const begins = sightings.filter(({ place }) => place !== null && place < first).map(({ at }) => at);
  if (ends.length === 0) {
    if (isChecked) find("NO_TIMESTAMP");
    return null;
  }
  const end = Math.min(...ends);
  const newest = Math.max(...bundle.entries.map(({ leaf }) => Number(leaf.ts) / 1e6));
  if (end - newest > LATEST_STAMP) find("TIMESTAMP_LATE");
  return { after: begins.length > 0 ? Math.max(...begins) : null, before: end };
}

async function checkTimes(find, bundle, heads, authorities) {
  const inOrder = bundle.entries.toSorted((one, other) => Number(BigInt(one.index) - BigInt(other.index)));
  for (const [place, entry] of inOrder.slice(1).entries()) {
    if (Number(inOrder[place].leaf.ts) - Number(entry.leaf.ts) > SLACK * 1e6) find("BACKDATED", entry.index);
  }
  let isChecked = true;
  const noting = (code, ...about) => {
    if (code === "TIMESTAMP_NOT_CHECKED") isChecked = false;
    find(code, ...about);
  };
  const witnessed = heads.flatMap((head) => head.witnessed.map(([, at]) => ({ size: head.size, at, place: null })));
  const sightings = [...witnessed, ...(await stampsOf(noting, bundle, heads, authorities))];
  for (const { size, at } of sightings) {
    for (const entry of bundle.entries) {
      const recorded = Number(entry.leaf.ts) / 1e6;
      if (BigInt(entry.index) < size && recorded > at + SLACK) find("FORWARD_DATED", entry.index);
      if (BigInt(entry.index) >= size && recorded < at - LONGEST_WAIT) find("BACKDATED", entry.index);
    }
  }
  return intervalOf(find, bundle, sightings, isChecked);
}

// --- the whole -------------------------------------------------------------------------------------------------------

async function each(find, values, read) {
  const found = [];
  for (const value of values) {
    try {
      found.push(await read(value));
    } catch {
      const index = isObject(value) ? value.get("index") : null;
      find("MALFORMED", isCount(index) ? index : null, CORE);
    }
  }
  return found;
}

async function readBundle(find, files) {
  if (!files.has(CORE)) {
    find("MISSING_FILE", null, CORE);
    return null;
  }
  let core, contract;
  try {
    const value = readJson(files.get(CORE));
    core = parts(value, SHAPE);
    contract = parts(core.contract, CONTRACT);
    if (canonical(value) !== textOf(files.get(CORE))) throw new Refused("MALFORMED");
  } catch {
    find("MALFORMED", null, CORE);
    return null;
  }
  const used = new Set([CORE, ...Array.from(files.keys()).filter((name) => name === "README.txt" || name.startsWith("wrapper/"))]);
  return {
    files, used, contract, origin: core.origin,
    checkpoints: [CHECKPOINT, ...Array.from(files.keys()).filter((name) => name.startsWith(NEWER)).sort()],
    versions: core.page_versions, opened: new Map(),
    entries: await each(find, core.entries, entryOf),
    documents: await each(find, core.documents, (value) => parts(value, DOCUMENT)),
    exhibits: await each(find, core.exhibits, (value) => parts(value, EXHIBIT)),
    take: (name) => {
      used.add(name);
      return files.get(name);
    },
  };
}

// What is found in the bytes of an evidence.zip by a trust policy, receipts, and certificates (PEM) of those whose
// time-stamps are believed, or null: { findings, entries, interval }.
export async function checkEvidence(bytes, policyBytes, receiptsBytes, authorities = null) {
  const findings = [];
  const find = (code, entry = null, detail = "") => findings.push({ code, entry: entry === null ? null : Number(entry), detail });
  let policy;
  try {
    policy = await readPolicy(policyBytes);
  } catch {
    find("UNREADABLE", null, "trust.policy");
    return { findings, entries: 0, interval: null };
  }
  const files = await readZip(find, bytes);
  const bundle = files && (await readBundle(find, files));
  if (!bundle) return { findings, entries: 0, interval: null };
  policy = await believed(find, policy, bundle);
  const receipts = [];
  for (const receipt of receiptsBytes) receipts.push(await checkReceipt(find, policy, receipt, "tlog-proof"));
  const mine = receipts.filter(Boolean);
  const heads = await checkLog(find, policy, bundle, mine);
  await checkContents(find, bundle);
  await checkTicks(find, bundle);
  const core = heads.find(({ name }) => name === CHECKPOINT);
  if (core) await checkReleases(find, bundle, core);
  for (const journey of Map.groupBy(bundle.entries, ({ leaf }) => leaf.j).values()) checkJourney(find, journey);
  checkEnd(find, bundle);
  for (const receipt of mine) checkMine(find, bundle, receipt);
  const interval = await checkTimes(find, bundle, heads, authorities);
  for (const name of files.keys()) if (!bundle.used.has(name)) find("EXTRA_FILE", null, name);
  if (bundle.entries.length === 0) find("MALFORMED", null, CORE);
  return { findings, entries: bundle.entries.length, interval };
}
