// Signed notes, checkpoints, trust policies and proof files of C2SP, as the modules of these names in `verify/` read them.

import { bytesOf, decoded, hex, joined, same, sha256, textOf } from "./spelling.js";

export const SIGNATURE = 1;
const COSIGNATURE = 4;
const NUMBER = /^(0|[1-9][0-9]{0,18})$/;

// What is amiss with a note; `code` is that of the finding.
export class Refused extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

const malformed = () => new Refused("MALFORMED");
const isName = (name) => name !== "" && !/[\s+]/u.test(name);

export async function readKey(vkey) {
  const [name, id, ...rest] = vkey.split("+");
  const material = decoded(rest.join("+"));
  const known = [SIGNATURE, COSIGNATURE].includes(material[0]) && material.length === 33;
  const hash = await sha256(bytesOf(`${name}\n`), material);
  if (!known || !isName(name) || hex(hash.slice(0, 4)) !== id) throw malformed();
  return { vkey, name, id, kind: material[0], public: material.slice(1) };
}

// Browsers of before 2025 do not know Ed25519, or not all that this needs.
export async function canCheck() {
  try {
    await crypto.subtle.importKey("raw", new Uint8Array(32), { name: "Ed25519" }, false, ["verify"]);
    return Boolean(Map.groupBy && Array.prototype.toSorted && "".isWellFormed && globalThis.DecompressionStream);
  } catch {
    return false;
  }
}

export async function isSigned(key, message, signature) {
  const imported = await crypto.subtle.importKey("raw", key.public, { name: "Ed25519" }, false, ["verify"]);
  return crypto.subtle.verify("Ed25519", imported, signature, message);
}

function signatureOf(line) {
  const [, name, encoded] = /^— (\S+) (\S+)$/u.exec(line) ?? [];
  const signature = name && isName(name) ? decoded(encoded) : [];
  if (signature.length < 5) throw malformed();
  return { name, id: hex(signature.slice(0, 4)), signature: signature.slice(4) };
}

export async function openNote(note, keys) {
  const cut = note.lastIndexOf("\n\n");
  // eslint-disable-next-line no-control-regex
  if (cut < 0 || !note.endsWith("\n") || cut + 2 === note.length || /[\u0000-\u0009\u000b-\u001f]/.test(note)) throw malformed();
  const text = note.slice(0, cut + 1);
  const signers = new Map();
  for (const { name, id, signature } of note.slice(cut + 2, -1).split("\n").map(signatureOf)) {
    const key = keys.find((each) => each.name === name && each.id === id);
    if (!key || signers.has(key)) continue;
    let [message, signed, time] = [bytesOf(text), signature, null];
    if (key.kind === COSIGNATURE) {
      time = new DataView(joined(signature.slice(0, 8), new Uint8Array(8)).buffer).getBigUint64(0);
      [message, signed] = [bytesOf(`cosignature/v1\ntime ${time}\n${text}`), signature.slice(8)];
    }
    if (!(await isSigned(key, message, signed))) throw new Refused("BAD_SIGNATURE");
    signers.set(key, time === null ? null : Number(time));
  }
  if (signers.size === 0) throw new Refused("UNKNOWN_KEY");
  return { text, signers };
}

export function readCheckpoint(text) {
  const [origin, size, root, ...more] = text.slice(0, -1).split("\n");
  if (!origin || !NUMBER.test(size) || !root || more.includes("")) throw malformed();
  const found = decoded(root);
  if (found.length !== 32) throw malformed();
  return { origin, size: BigInt(size), root: found };
}

// A policy is { logs, witnesses (name → key), groups (name → [least, members]), quorum }.
export async function readPolicy(bytes) {
  const policy = { logs: [], witnesses: new Map(), groups: new Map(), quorum: null };
  const isDefined = (name) => policy.witnesses.has(name) || policy.groups.has(name);
  const taken = new Set();
  const must = (holds) => {
    if (!holds) throw malformed();
  };
  const fresh = async (vkey, kind, others) => {
    const key = await readKey(vkey);
    must(key.kind === kind && !others.some((other) => same(other.public, key.public)));
    return key;
  };
  const lines = {
    log: async (vkey, ...url) => {
      must(url.length <= 1);
      policy.logs.push(await fresh(vkey, SIGNATURE, policy.logs));
    },
    witness: async (name, vkey, ...url) => {
      must(url.length <= 1 && name !== "none" && !isDefined(name));
      policy.witnesses.set(name, await fresh(vkey, COSIGNATURE, Array.from(policy.witnesses.values())));
    },
    group: (name, least, ...members) => {
      const number = { all: members.length, any: 1 }[least] ?? (/^[0-9]+$/.test(least) ? Number(least) : 0);
      must(name !== "none" && !isDefined(name) && number >= 1 && number <= members.length);
      for (const member of members) {
        must(isDefined(member) && !taken.has(member));
        taken.add(member);
      }
      policy.groups.set(name, [number, members]);
    },
    quorum: (name, ...more) => {
      must(policy.quorum === null && more.length === 0 && (name === "none" || isDefined(name)));
      policy.quorum = name;
    },
  };
  for (const line of textOf(bytes).split("\n")) {
    const [word, ...rest] = line.replace(/^[ \t]+|[ \t]+$/g, "").split(/[ \t]+/);
    if (word === "" || word.startsWith("#")) continue;
    must(Object.hasOwn(lines, word) && rest.length > 0);
    await lines[word](...rest);
  }
  must(policy.quorum !== null);
  return policy;
}

// Refuses a tree that none of these keys of the log may sign: `last` and `unproven` are said by changes of the key.
function checkStanding({ last, unproven }, size, vkeys) {
  const proven = vkeys.filter((vkey) => !unproven?.has(vkey));
  if (proven.length === 0) throw new Refused("ROTATION_MISSING");
  if (!proven.some((vkey) => size <= (last?.get(vkey) ?? size))) throw new Refused("KEY_RETIRED");
}

// A checkpoint that the policy accepts: { origin, size, root, witnessed: [[name, seconds], …] }.
export async function accept(policy, bytes) {
  let note;
  try {
    note = textOf(bytes);
  } catch {
    throw malformed();
  }
  const { text, signers } = await openNote(note, [...policy.logs, ...policy.witnesses.values()]);
  const checkpoint = readCheckpoint(text);
  const byLog = policy.logs.filter((key) => key.name === checkpoint.origin && signers.has(key));
  if (byLog.length === 0) throw new Refused("UNKNOWN_KEY");
  const witnessed = Array.from(policy.witnesses).filter(([, key]) => signers.has(key)).map(([name, key]) => [name, signers.get(key)]);
  const hasSeen = (name) => {
    if (name === "none") return true;
    if (!policy.groups.has(name)) return witnessed.some(([seen]) => seen === name);
    const [least, members] = policy.groups.get(name);
    return members.filter(hasSeen).length >= least;
  };
  if (!hasSeen(policy.quorum)) throw new Refused("QUORUM_NOT_MET");
  checkStanding(policy, checkpoint.size, byLog.map(({ vkey }) => vkey));
  return { ...checkpoint, witnessed };
}

export function readHashes(lines) {
  const hashes = lines.map(decoded);
  if (hashes.length > 64 || hashes.some((hash) => hash.length !== 32)) throw malformed();
  return hashes;
}

export const readConsistency = (bytes) => readHashes(textOf(bytes).split(/\s+/).filter(Boolean));

export function readProof(bytes) {
  const text = textOf(bytes);
  const cut = text.indexOf("\n\n");
  const lines = text.slice(0, cut).split("\n");
  if (cut < 0 || lines.shift() !== "c2sp.org/tlog-proof@v1") throw malformed();
  const extra = lines[0]?.startsWith("extra ") ? decoded(lines.shift().slice(6)) : null;
  const [, index] = /^index (0|[1-9][0-9]{0,18})$/.exec(lines.shift() ?? "") ?? [];
  if (index === undefined || extra === null) throw malformed();
  return { index: BigInt(index), hashes: readHashes(lines), checkpoint: bytesOf(text.slice(cut + 2)), extra };
}
