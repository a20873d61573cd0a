// Which keys of the log are believed, as `verify/bundle/rotations.py` has it.

import { journeyOfLog, logEntryOf } from "./logentry.js";
import { Refused, SIGNATURE, accept, isSigned, openNote, readCheckpoint, readKey } from "./note.js";
import { CHECKPOINT, NEWER, isCount, isObject, isText, parts } from "./shapes.js";
import { bytesOf, canonical, decoded, readJson, same, textOf } from "./spelling.js";

const FOLDER = "wrapper/rotations/";
const MOST_ROTATIONS = 40;
const STATEMENT = { by_new: isText, by_old: isText, new: isText, old: isText, origin: isText, size: isCount };

// What both keys signed: { old, fresh, size }, the size of the last tree under the old key.
async function signedOf(said, origin, index) {
  const found = parts(said, STATEMENT);
  const [old, fresh] = [await readKey(found.old), await readKey(found.new)];
  const signed = bytesOf(canonical(new Map(["new", "old", "origin", "size"].map((name) => [name, found[name]]))));
  const isOne =
    [old.name, fresh.name, found.origin].every((name) => name === origin) && !same(old.public, fresh.public) &&
    BigInt(found.size) <= index && [old, fresh].every(({ kind }) => kind === SIGNATURE) &&
    (await isSigned(old, signed, decoded(found.by_old))) && (await isSigned(fresh, signed, decoded(found.by_new)));
  if (!isOne) throw new Refused("ROTATION_FORGED");
  return { old, fresh, size: index + 1n };
}

// The tree that ends with the change, signed by the old key.
async function lastTree(bundle, { old, size }) {
  const bytes = bundle.files.get(`${NEWER}${size}`) ?? bundle.files.get(CHECKPOINT);
  const checkpoint = readCheckpoint((await openNote(textOf(bytes), [old])).text);
  if (checkpoint.origin !== bundle.origin || checkpoint.size !== size) throw new Refused("ROTATION_FORGED");
  return checkpoint;
}

async function rotationOf(bundle, name) {
  const [, place] = /^wrapper\/rotations\/(0|[1-9]\d{0,17})\.json$/.exec(name);
  const file = parts(readJson(bundle.files.get(name)), { body: isObject, entry: isObject });
  const found = await signedOf(file.body.get("envelope").get("body"), bundle.origin, BigInt(place));
  const { index, leaf } = await logEntryOf(file.body, file.entry, await lastTree(bundle, found));
  const isOne = index === BigInt(place) && leaf.t === "log:key_rotated" && leaf.j === (await journeyOfLog(bundle.origin));
  if (!isOne) throw new Refused("ROTATION_FORGED");
  return found;
}

async function rotationsOf(find, bundle) {
  const names = Array.from(bundle.files.keys()).filter((name) => name.startsWith(FOLDER)).sort();
  if (names.length > MOST_ROTATIONS) find("UNREADABLE");
  const found = [];
  for (const name of names.slice(0, MOST_ROTATIONS)) {
    try {
      found.push(await rotationOf(bundle, name));
    } catch (error) {
      find(error instanceof Refused && error.code === "NOT_IN_LOG" ? "NOT_IN_LOG" : "ROTATION_FORGED", null, name);
    }
  }
  return found.sort((one, other) => (one.size < other.size ? -1 : 1));
}

// From a key on: the first change of each; it speaks for no second one, and none brings a key back.
function laterOf(first, rotations) {
  const seen = [first.vkey];
  return rotations.filter(({ old, fresh }) => {
    const isNext = old.vkey === seen.at(-1) && !seen.includes(fresh.vkey);
    if (isNext) seen.push(fresh.vkey);
    return isNext;
  });
}

// What came before a key, where a larger tree under a key that is believed anyway continues its own.
function earlierOf(first, rotations, largest) {
  const seen = [first.vkey];
  return rotations.toReversed().filter(({ old, fresh, size }) => {
    const isBefore = fresh.vkey === seen.at(-1) && !seen.includes(old.vkey) && size < largest;
    if (isBefore) seen.push(old.vkey);
    return isBefore;
  });
}

function widened(policy, named, rotations) {
  const keys = new Map([named[0], ...rotations.flatMap(({ old, fresh }) => [old, fresh])].map((key) => [key.vkey, key]));
  const isThere = (vkey) => policy.logs.some((key) => key.vkey === vkey);
  return {
    ...policy,
    logs: [...policy.logs, ...Array.from(keys.values()).filter(({ vkey }) => !isThere(vkey))],
    last: new Map(rotations.map(({ old, size }) => [old.vkey, size])),
    unproven: new Set(named.map(({ vkey }) => vkey).filter((vkey) => !keys.has(vkey))),
  };
}

async function largestOf(policy, bundle) {
  let largest = 0n;
  for (const name of bundle.checkpoints) {
    try {
      const { size } = await accept(policy, bundle.files.get(name));
      if (size > largest) largest = size;
    } catch {
      continue;
    }
  }
  return largest;
}

// The policy for this bundle: with all keys that are believed, and how far each.
export async function believed(find, policy, bundle) {
  const named = policy.logs.filter(({ name }) => name === bundle.origin);
  if (named.length === 0) return policy;
  const rotations = await rotationsOf(find, bundle);
  const later = laterOf(named[0], rotations);
  const earlier = rotations.length === 0 ? [] : earlierOf(named[0], rotations, await largestOf(widened(policy, named, later), bundle));
  return widened(policy, named, [...later, ...earlier]);
}
