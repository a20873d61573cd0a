// The shapes of parts of a file, and leaves, as `verify/shape.py` and `verify/leaf.py` have them.

import { leafHash } from "./merkle.js";
import { Refused } from "./note.js";
import { bytesOf, canonical } from "./spelling.js";

export const CHECKPOINT = "core/checkpoint";
export const NEWER = "wrapper/checkpoints/";

export const isText = (value) => typeof value === "string" && Array.from(value).length <= 1000;
export const isHash = (value) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
export const isUuid = (value) => typeof value === "string" && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value);
export const isCount = (value) => ["number", "bigint"].includes(typeof value) && value >= 0 && value < 2n ** 63n;
const isInstant = (value) => isCount(value) && value < 253_402_300_800_000_000n;
export const isObject = (value) => value instanceof Map;
export const isList = (value) => Array.isArray(value);
export const oneOf = (...values) => (value) => values.includes(value);
export const orNull = (rule) => (value) => value === null || rule(value);
export const listOf = (rule) => (value) => isList(value) && value.every(rule);
export const anything = () => true;

export const SALTED = { salt: (value) => typeof value === "string" && /^[0-9a-f]{32}$/.test(value), envelope: anything };
const LEAF = {
  v: oneOf(1), t: (value) => typeof value === "string" && /^[a-z][a-z0-9_-]{0,60}:[a-z][a-z0-9_-]{0,60}$/.test(value),
  j: isUuid, n: (value) => isCount(value) && value > 0, p: orNull(isHash), ts: isInstant, pv: orNull(isHash), r: orNull(isHash), b: isHash,
};

export function parts(value, rules) {
  const fits = isObject(value) && value.size === Object.keys(rules).length;
  if (!fits || !Object.entries(rules).every(([key, rule]) => value.has(key) && rule(value.get(key)))) throw new Refused("MALFORMED");
  return Object.fromEntries(value);
}

export async function leafOf(value) {
  const leaf = parts(value, LEAF);
  const data = bytesOf(canonical(value));
  if (data.length > 1024 || (leaf.n === 1) !== (leaf.p === null)) throw new Refused("MALFORMED");
  return { ...leaf, hash: await leafHash(data) };
}
