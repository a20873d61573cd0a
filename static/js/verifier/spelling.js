// JSON and base64 in their one spelling, as `verify/spelling.py` reads them.

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const textOf = (bytes) => utf8.decode(bytes);
export const bytesOf = (text) => new TextEncoder().encode(text);

export function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
export const hex = (bytes) => Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join("");
export const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
export const same = (one, other) => one.length === other.length && one.every((each, place) => each === other[place]);

export function decoded(text) {
  const found = /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? atob(text) : null;
  if (found === null || btoa(found) !== text) throw new Error("no base64");
  return Uint8Array.from(found, (each) => each.charCodeAt(0));
}

const byCodePoint = (one, other) => {
  const [left, right] = [Array.from(one), Array.from(other)];
  const place = left.findIndex((each, number) => each !== right[number]);
  if (place < 0) return left.length - right.length;
  return right[place] === undefined ? 1 : left[place].codePointAt(0) - right[place].codePointAt(0);
};

export function canonical(value) {
  if (typeof value === "string") {
    if (!value.isWellFormed()) throw new Error("half a character");
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value instanceof Map) {
    const keys = Array.from(value.keys()).sort(byCodePoint);
    return `{${keys.map((key) => `${canonical(key)}:${canonical(value.get(key))}`).join(",")}}`;
  }
  return String(value); // null, true, false, whole numbers
}

// What the bytes say: objects as Map, numbers beyond 2^53 as BigInt. It throws where a key stands there twice, or a
// number has a fraction.
export function readJson(bytes) {
  const text = textOf(bytes);
  const token = /[ \t\n\r]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\.)*")|(-?(?:0|[1-9]\d*)(?![\d.eE]))|(true|false|null))[ \t\n\r]*/y;
  let [, mark, string, number, word] = [];
  const next = () => {
    const found = token.exec(text);
    if (!found) throw new Error("no JSON");
    [, mark, string, number, word] = found;
  };
  const several = (end, one) => {
    next();
    while (mark !== end) {
      one();
      next();
      if (mark === ",") {
        next();
        if (mark === end) throw new Error("no JSON");
      } else if (mark !== end) throw new Error("no JSON");
    }
  };
  const value = () => {
    if (string !== undefined) return JSON.parse(string);
    if (number !== undefined) return Number.isSafeInteger(Number(number)) ? Number(number) : BigInt(number);
    if (word !== undefined) return JSON.parse(word);
    if (mark === "[") {
      const found = [];
      several("]", () => found.push(value()));
      return found;
    }
    if (mark !== "{") throw new Error("no JSON");
    const found = new Map();
    several("}", () => {
      const key = string;
      next();
      if (key === undefined || mark !== ":" || found.has(JSON.parse(key))) throw new Error("no JSON");
      next();
      found.set(JSON.parse(key), value());
    });
    return found;
  };
  next();
  const found = value();
  if (token.lastIndex !== text.length) throw new Error("no JSON");
  canonical(found);
  return found;
}
