// Time-stamps (tokens of RFC 3161), by WebCrypto: what `openssl ts -verify` looks at, and nothing else.

import { decoded, hex, joined, same, textOf } from "./spelling.js";

// It is not known here, so it is not checked; whatever else goes wrong means that the token is none to be believed.
export class NotKnown extends Error {}

const INTEGER = 0x02, BITS = 0x03, OCTETS = 0x04, OID = 0x06, UTC_TIME = 0x17, TIME = 0x18, SEQUENCE = 0x30, SET = 0x31;
const SIGNED_DATA = "2a864886f70d010702", TST_INFO = "2a864886f70d0109100104";
const CONTENT_TYPE = "2a864886f70d010903", MESSAGE_DIGEST = "2a864886f70d010904";
const SIGNING_CERTIFICATE = "2a864886f70d010910020c", SIGNING_CERTIFICATE_V2 = "2a864886f70d010910022f";
const BASIC_CONSTRAINTS = "551d13", KEY_USAGE = "551d0f", PURPOSES = "551d25", TIME_STAMPING = "2b06010505070308", KEY_ID = "551d0e";
const HASHES = {
  "2b0e03021a": "SHA-1", "608648016503040201": "SHA-256", "608648016503040202": "SHA-384", "608648016503040203": "SHA-512",
};
const EC = "2a8648ce3d0201", RSA = "2a864886f70d010101";
const CURVES = { "2a8648ce3d030107": ["P-256", 32], "2b81040022": ["P-384", 48], "2b81040023": ["P-521", 66] };
// Which hash goes with a signature; that with RSA alone is named beside it.
const SIGNATURES = {
  "2a8648ce3d040302": "SHA-256", "2a8648ce3d040303": "SHA-384", "2a8648ce3d040304": "SHA-512",
  "2a864886f70d01010b": "SHA-256", "2a864886f70d01010c": "SHA-384", "2a864886f70d01010d": "SHA-512", [RSA]: null,
};
const LONGEST_PATH = 6;

// --- DER -------------------------------------------------------------------------------------------------------------

const demand = (fits) => {
  if (!fits) throw new Error("not as the format has it");
};

// Its parts one after the other: { tag, whole, body }.
function parts(bytes) {
  const found = [];
  for (let at = 0; at < bytes.length; ) {
    let [length, head] = [bytes[at + 1], 2];
    if (length > 0x80) {
      head += length & 0x7f;
      demand(head <= 6);
      length = bytes.slice(at + 2, at + head).reduce((sum, each) => sum * 256 + each, 0);
    }
    const end = at + head + length;
    demand((bytes[at] & 0x1f) !== 0x1f && length !== 0x80 && end <= bytes.length);
    found.push({ tag: bytes[at], whole: bytes.slice(at, end), body: bytes.slice(at + head, end) });
    at = end;
  }
  return found;
}

function only(bytes, tag) {
  const [found, ...more] = parts(bytes);
  demand(found?.tag === tag && more.length === 0);
  return found;
}

const oidOf = (node) => {
  demand(node?.tag === OID);
  return hex(node.body);
};
const sequence = (node, tag = SEQUENCE) => {
  demand(node?.tag === tag);
  return parts(node.body);
};

const known = (table, oid) => {
  if (!(oid in table)) throw new NotKnown(oid);
  return table[oid];
};

// Seconds since 1970.
function secondsOf(node) {
  const text = textOf(node.body);
  const [, year, month, day, hour, minute, second] = (
    node.tag === UTC_TIME ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.\d+)?Z$/
  ).exec(text);
  demand([UTC_TIME, TIME].includes(node.tag));
  const century = node.tag === TIME ? 0 : Number(year) < 50 ? 2000 : 1900;
  return Date.UTC(century + Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)) / 1000;
}

const digest = async (name, bytes) => new Uint8Array(await crypto.subtle.digest(name, bytes));

// --- certificates and signatures -------------------------------------------------------------------------------------

function certificateOf(whole) {
  const [signed, algorithm, signature] = sequence(only(whole, SEQUENCE));
  const fields = sequence(signed);
  const [serial, , issuer, validity, subject, key, ...rest] = fields[0].tag === 0xa0 ? fields.slice(1) : fields;
  const [begin, end] = sequence(validity).map(secondsOf);
  const extensions = new Map();
  for (const each of rest.filter(({ tag }) => tag === 0xa3).flatMap(({ body }) => sequence(only(body, SEQUENCE)))) {
    const [id, ...more] = sequence(each);
    extensions.set(oidOf(id), { isCritical: more.length > 1 && more[0].body[0] === 0xff, value: more.at(-1).body });
  }
  return {
    whole, signed: signed.whole, algorithm: oidOf(sequence(algorithm)[0]), signature: signature.body.slice(1),
    serial: serial.body, issuer: issuer.whole, subject: subject.whole, key: key.whole, begin, end, extensions,
  };
}

// An ECDSA signature as WebCrypto has it: both numbers, one after the other.
function bothNumbers(signature, length) {
  const numbers = sequence(only(signature, SEQUENCE)).map(({ tag, body }) => {
    const number = body.slice(body.findIndex((each) => each !== 0));
    demand(tag === INTEGER && number.length <= length);
    return joined(new Uint8Array(length - number.length), number);
  });
  demand(numbers.length === 2);
  return joined(...numbers);
}

async function demandSigned(key, algorithm, hashBeside, data, signature) {
  const hash = known(SIGNATURES, algorithm) ?? hashBeside;
  const [kind, curve] = sequence(sequence(only(key, SEQUENCE))[0]);
  let terms = { name: "RSASSA-PKCS1-v1_5", hash };
  let given = signature;
  if (oidOf(kind) === EC) {
    const [namedCurve, length] = known(CURVES, oidOf(curve));
    terms = { name: "ECDSA", namedCurve, hash };
    given = bothNumbers(signature, length);
  } else if (oidOf(kind) !== RSA) {
    throw new NotKnown(oidOf(kind));
  }
  const imported = await crypto.subtle.importKey("spki", key, terms, false, ["verify"]);
  demand(await crypto.subtle.verify(terms, imported, given, data));
}

const usage = (certificate) => {
  const found = certificate.extensions.get(KEY_USAGE);
  return found && only(found.value, BITS).body;
};

function isAuthority(certificate) {
  const found = certificate.extensions.get(BASIC_CONSTRAINTS);
  const [flag] = found ? sequence(only(found.value, SEQUENCE)) : [];
  const uses = usage(certificate);
  return flag?.tag === 0x01 && flag.body[0] !== 0 && (!uses || (uses[1] & 0x04) !== 0);
}

// RFC 3161, 2.3: for time-stamps and nothing else.
function isForTimeStamps(certificate) {
  const found = certificate.extensions.get(PURPOSES);
  const purposes = found ? sequence(only(found.value, SEQUENCE)).map(oidOf) : [];
  const uses = usage(certificate);
  const isUseful = !uses || (uses.length === 2 && (uses[1] & 0xc0) !== 0 && (uses[1] & 0x3f) === 0);
  return isUseful && found?.isCritical && purposes.length === 1 && purposes[0] === TIME_STAMPING;
}

// Up to a certificate that is trusted and signed by itself.
async function demandTrusted(certificate, held, trusted, at, depth = 0) {
  demand(depth < LONGEST_PATH && certificate.begin <= at && at <= certificate.end);
  if (same(certificate.issuer, certificate.subject)) {
    demand(trusted.some(({ whole }) => same(whole, certificate.whole)));
    return;
  }
  const above = [...trusted, ...held].filter((each) => same(each.subject, certificate.issuer) && isAuthority(each));
  let refusal = new Error("nobody known has issued it");
  for (const each of above) {
    try {
      await demandSigned(each.key, certificate.algorithm, "SHA-256", certificate.signed, certificate.signature);
      await demandTrusted(each, held, trusted, at, depth + 1);
      return;
    } catch (error) {
      refusal = error;
    }
  }
  throw refusal;
}

// --- the token -------------------------------------------------------------------------------------------------------

const attributesOf = (signed) =>
  new Map(parts(signed).map((each) => {
    const [id, values] = sequence(each);
    return [oidOf(id), sequence(values, SET)];
  }));

function signerOf(id, held) {
  if (id.tag === 0x80) {
    return held.find(({ extensions }) => extensions.has(KEY_ID) && same(only(extensions.get(KEY_ID).value, OCTETS).body, id.body));
  }
  const [issuer, serial] = sequence(id);
  return held.find((each) => same(each.issuer, issuer.whole) && same(each.serial, serial.body));
}

async function demandNamed(attributes, certificate) {
  const isNewer = attributes.has(SIGNING_CERTIFICATE_V2);
  const [value] = attributes.get(isNewer ? SIGNING_CERTIFICATE_V2 : SIGNING_CERTIFICATE);
  const named = sequence(sequence(sequence(value)[0])[0]);
  const algorithm = named[0].tag === SEQUENCE ? known(HASHES, oidOf(sequence(named[0])[0])) : isNewer ? "SHA-256" : "SHA-1";
  demand(same(named.find(({ tag }) => tag === OCTETS).body, await digest(algorithm, certificate.whole)));
}

// Whom the reader trusts as the authority of that name: the certificates under the line `# <name>`, and those that stand
// before any such line.
export function trustedAs(name, pem) {
  const marks = /^# ([a-z0-9.-]{1,120})$|-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/gm;
  const found = [];
  let heading = "";
  for (const [, line, text] of new TextDecoder().decode(pem).replaceAll("\r\n", "\n").matchAll(marks)) {
    heading = line ?? heading;
    if (text && ["", name].includes(heading)) found.push(certificateOf(decoded(text.replaceAll(/\s/g, ""))));
  }
  return found;
}

// When these bytes were stamped, in seconds since 1970. It throws where the token is not to be believed.
export async function stampedAt(token, data, trusted) {
  const [kind, outer] = sequence(only(token, SEQUENCE));
  demand(oidOf(kind) === SIGNED_DATA && outer.tag === 0xa0);
  const fields = sequence(only(outer.body, SEQUENCE));
  const [, , content, ...rest] = fields;
  const [type, wrapped] = sequence(content);
  demand(oidOf(type) === TST_INFO);
  const statement = only(wrapped.body, OCTETS).body;
  const held = rest.filter(({ tag }) => tag === 0xa0).flatMap(({ body }) => parts(body)).map(({ whole }) => certificateOf(whole));
  const [information, ...others] = sequence(rest.at(-1), SET);
  demand(others.length === 0);
  const [, id, hashing, signed, algorithm, signature] = sequence(information);
  demand(signed.tag === 0xa0 && signature.tag === OCTETS);
  const hash = known(HASHES, oidOf(sequence(hashing)[0]));
  const attributes = attributesOf(signed.body);
  demand(oidOf(attributes.get(CONTENT_TYPE)[0]) === TST_INFO);
  demand(same(attributes.get(MESSAGE_DIGEST)[0].body, await digest(hash, statement)));
  const certificate = signerOf(id, held);
  await demandNamed(attributes, certificate);
  const asSet = joined(Uint8Array.of(SET), signed.whole.slice(1));
  await demandSigned(certificate.key, oidOf(sequence(algorithm)[0]), hash, asSet, signature.body);
  const [version, , imprint, , time] = sequence(only(statement, SEQUENCE));
  const [imprintHash, imprinted] = sequence(imprint);
  demand(hex(version.body) === "01" && time.tag === TIME);
  demand(same(imprinted.body, await digest(known(HASHES, oidOf(sequence(imprintHash)[0])), data)));
  const at = secondsOf(time);
  demand(isForTimeStamps(certificate));
  await demandTrusted(certificate, held, trusted, at);
  return at;
}
