// The files of a zip, read without trust in it, as `verify/bundle/archive.py` does.

import { textOf } from "./spelling.js";

const MOST_FILES = 20_000;
const LARGEST = 512 * 2 ** 20;
const STORED = 0;
const DEFLATED = 8;

const TABLE = Uint32Array.from({ length: 256 }, (_, number) => {
  let value = number;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function checksum(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = (value >>> 8) ^ TABLE[(value ^ byte) & 255];
  return (value ^ 0xffffffff) >>> 0;
}

function endOf(view) {
  for (let at = view.byteLength - 22; at >= Math.max(0, view.byteLength - 22 - 65_535); at -= 1) {
    if (view.getUint32(at, true) === 0x06054b50) return at;
  }
  throw new Error("no zip");
}

function members(bytes, view) {
  const end = endOf(view);
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  const found = [];
  for (let number = 0; number < count; number += 1) {
    if (view.getUint32(at, true) !== 0x02014b50) throw new Error("no zip");
    const [nameLength, more] = [view.getUint16(at + 28, true), view.getUint16(at + 30, true) + view.getUint16(at + 32, true)];
    const name = textOf(bytes.subarray(at + 46, at + 46 + nameLength));
    found.push({
      name,
      flags: view.getUint16(at + 8, true),
      method: view.getUint16(at + 10, true),
      checksum: view.getUint32(at + 16, true),
      pressed: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      kind: (view.getUint32(at + 38, true) >>> 16) & 0o170000,
      at: view.getUint32(at + 42, true),
    });
    at += 46 + nameLength + more;
  }
  return found;
}

function isSafe({ name, kind, flags, method }) {
  return (
    name.length > 0 && name.length <= 300 && !/[\p{C}\\:]/u.test(name) &&
    name.split("/").every((part) => !["", ".", ".."].includes(part)) &&
    [0, 0o100000].includes(kind) && !(flags & 1) && [STORED, DEFLATED].includes(method)
  );
}

async function inflated(bytes, size) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const whole = new Uint8Array(size);
  for (let at = 0; ; ) {
    const { done, value } = await stream.read();
    if (done) return whole.subarray(0, at);
    if (at + value.length > size) {
      await stream.cancel();
      throw new Error("longer than it says");
    }
    whole.set(value, at);
    at += value.length;
  }
}

async function contentOf(bytes, view, member) {
  const { at } = member;
  if (view.getUint32(at, true) !== 0x04034b50) throw new Error("no file");
  const start = at + 30 + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
  const name = textOf(bytes.subarray(at + 30, at + 30 + view.getUint16(at + 26, true)));
  const pressed = bytes.subarray(start, start + member.pressed);
  const content = member.method === STORED ? pressed : await inflated(pressed, member.size);
  if (name !== member.name || checksum(content) !== member.checksum) throw new Error("damaged");
  return content;
}

// Every safe file by its name, or null where it is no zip.
export async function readZip(find, bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let all;
  try {
    all = members(bytes, view);
    if (all.length > MOST_FILES || all.reduce((sum, member) => sum + member.size, 0) > LARGEST) throw new Error("too large");
  } catch {
    find("UNREADABLE");
    return null;
  }
  const files = new Map();
  for (const member of all) {
    if (!isSafe(member)) find("UNSAFE_FILE", null, member.name);
    else if (files.has(member.name)) find("DUPLICATE_FILE", null, member.name);
    else {
      try {
        files.set(member.name, await contentOf(bytes, view, member));
      } catch {
        find("UNREADABLE", null, member.name);
      }
    }
  }
  return files;
}
