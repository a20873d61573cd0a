// Entries of the log itself that go with a contract, as `verify/bundle/log_entries.py` has them.

import { verifyInclusion } from "./merkle.js";
import { Refused } from "./note.js";
import { SALTED, anything, isCount, isHash, isObject, leafOf, listOf, parts } from "./shapes.js";
import { bytesOf, canonical, hex, sha256, unhex } from "./spelling.js";

// The entry, proven in the tree `core`: { index, leaf, said }.
export async function logEntryOf(salted, value, core) {
  const { salt, envelope } = parts(salted, { ...SALTED, envelope: isObject });
  const entry = parts(value, { index: isCount, leaf: anything, proof: listOf(isHash) });
  const leaf = await leafOf(entry.leaf);
  const isThere = await verifyInclusion(leaf.hash, BigInt(entry.index), core.size, core.root, entry.proof.map(unhex));
  if (!isThere) throw new Refused("NOT_IN_LOG");
  const said = envelope.get("body");
  if (hex(await sha256(unhex(salt), bytesOf(canonical(envelope)))) !== leaf.b || !isObject(said)) throw new Refused("MALFORMED");
  return { index: BigInt(entry.index), leaf, said };
}

// The log's own journey: UUID version 5 of its name in the namespace of URLs (RFC 9562).
export async function journeyOfLog(origin) {
  const namespace = unhex("6ba7b8119dad11d180b400c04fd430c8");
  const name = new Uint8Array(await crypto.subtle.digest("SHA-1", Uint8Array.from([...namespace, ...bytesOf(origin)])));
  name[6] = (name[6] & 0x0f) | 0x50;
  name[8] = (name[8] & 0x3f) | 0x80;
  return hex(name.slice(0, 16)).replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}
