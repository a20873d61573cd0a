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
