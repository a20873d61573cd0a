// Who released the pages that were shown, checked as `verify/bundle/releases.py` does.

import { logEntryOf } from "./logentry.js";
import { Refused } from "./note.js";
import { isCount, isHash, isList, isObject, orNull, parts } from "./shapes.js";
import { bytesOf, canonical, hex, readJson, sha256 } from "./spelling.js";

const MOST_RELEASES = 100;
const isWords = (value) => typeof value === "string";
const isNamed = (value) => isObject(value) && Array.from(value.values()).every(isHash);
const FILE = { release: isObject, content: isObject, views: isList, body: orNull(isObject), entry: orNull(isObject) };
const RELEASE = { number: isCount, content_sha256: isHash, author: isWords, reviewer: isWords, reason: isWords, build: isWords };
const CONTENT = { assets: isNamed, templates: isNamed, wordings: isNamed };
const LATER = { sentences: isNamed }; // what releases before them do not name
const laterIn = (content) => Object.keys(LATER).filter((kind) => isObject(content) && content.has(kind));

async function releaseOf(name, bytes, core) {
  const file = parts(readJson(bytes), FILE);
  const { number, content_sha256: hash } = parts(file.release, RELEASE);
  const named = laterIn(file.content).map((kind) => [kind, LATER[kind]]);
  const content = parts(file.content, { ...CONTENT, ...Object.fromEntries(named) });
  const [, numbered] = /^wrapper\/releases\/([1-9]\d{0,9})\.json$/.exec(name) ?? [];
  if (numbered !== String(number) || !file.views.every(isCount)) throw new Refused("MALFORMED");
  if (hex(await sha256(bytesOf(canonical(file.content)))) !== hash) throw new Refused("MALFORMED");
  const release = { number, content, views: new Set(file.views.map(BigInt)), entry: null };
  if (file.entry === null) return release;
  const entry = await logEntryOf(file.body, file.entry, core);
  if (entry.leaf.t !== "pages:released" || canonical(entry.said) !== canonical(file.release)) throw new Refused("MALFORMED");
  return { ...release, entry };
}

function isMadeOf(manifest, content) {
  if (!isObject(manifest)) return false;
  const later = Object.keys(LATER).filter((kind) => content[kind] !== undefined || manifest.has(kind));
  return ["templates", "assets", ...later].every((kind) => {
    const named = manifest.get(kind);
    return isObject(named) && Array.from(named).every(([name, hash]) => content[kind]?.get(name) === hash);
  });
}

// `core` is the checkpoint of the core, which is believed.
export async function checkReleases(find, bundle, core) {
  const names = Array.from(bundle.files.keys()).filter((name) => name.startsWith("wrapper/releases/")).sort();
  if (names.length > MOST_RELEASES) find("UNREADABLE");
  const releases = [];
  for (const name of names.slice(0, MOST_RELEASES)) {
    try {
      releases.push(await releaseOf(name, bundle.files.get(name), core));
    } catch (error) {
      find(error instanceof Refused && error.code === "NOT_IN_LOG" ? "NOT_IN_LOG" : "RELEASE_ALTERED", null, name);
    }
  }
  const logged = releases.filter(({ entry }) => entry !== null);
  for (const { number } of releases.filter(({ entry }) => entry === null)) {
    if (logged.some((other) => other.number < number)) find("NOT_IN_LOG", null, `wrapper/releases/${number}.json`);
  }
  const shown = bundle.entries.filter(({ leaf }) => leaf.r !== null);
  for (const release of logged) {
    for (const { index, leaf } of shown.filter((entry) => release.views.has(BigInt(entry.index)))) {
      const manifest = bundle.versions.get(leaf.pv);
      if (release.entry.index > BigInt(index)) find("RELEASE_LATE", index);
      else if (manifest !== undefined && !isMadeOf(manifest, release.content)) find("RELEASE_ALTERED", index);
    }
  }
  const isProven = ({ index }) => logged.some(({ views }) => views.has(BigInt(index)));
  if (!shown.every(isProven)) find("RELEASE_NOT_LOGGED");
}
