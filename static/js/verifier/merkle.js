// Proofs of RFC 6962 and RFC 9162, as `verify/merkle.py` has them. Sizes and places are BigInt.

import { same, sha256 } from "./spelling.js";

export const leafHash = (data) => sha256(Uint8Array.of(0), data);
const node = (left, right) => sha256(Uint8Array.of(1), left, right);
const areHashes = (...values) => values.every((value) => value.length === 32);

const pastSingleChildren = (place, last) => {
  while (place && place % 2n === 0n) [place, last] = [place >> 1n, last >> 1n];
  return [place, last];
};

export async function verifyInclusion(hash, index, size, root, proof) {
  if (!(0n <= index && index < size) || !areHashes(hash, root, ...proof)) return false;
  let [place, last, found] = [index, size - 1n, hash];
  for (const beside of proof) {
    if (last === 0n) return false;
    if (place % 2n || place === last) {
      found = await node(beside, found);
      [place, last] = pastSingleChildren(place, last);
    } else {
      found = await node(found, beside);
    }
    [place, last] = [place >> 1n, last >> 1n];
  }
  return last === 0n && same(found, root);
}

export async function verifyConsistency(size1, size2, root1, root2, proof) {
  if (!(0n < size1 && size1 <= size2) || !areHashes(root1, root2, ...proof)) return false;
  if (size1 === size2) return same(root1, root2) && proof.length === 0;
  if (proof.length === 0) return false;
  const path = (size1 & (size1 - 1n)) === 0n ? [root1, ...proof] : proof;
  let [place, last] = [size1 - 1n, size2 - 1n];
  while (place % 2n) [place, last] = [place >> 1n, last >> 1n];
  let [first, second] = [path[0], path[0]];
  for (const beside of path.slice(1)) {
    if (last === 0n) return false;
    if (place % 2n || place === last) {
      [first, second] = [await node(beside, first), await node(beside, second)];
      [place, last] = pastSingleChildren(place, last);
    } else {
      second = await node(second, beside);
    }
    [place, last] = [place >> 1n, last >> 1n];
  }
  return last === 0n && same(first, root1) && same(second, root2);
}
