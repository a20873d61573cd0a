// Records what is done on a page of an application, of which the entry page has told (docs/decisions/0021). It begins
// when the page is there and idle, and whatever becomes of it changes nothing of the page.
const here = document.querySelector("script[data-recorder]");
const PAUSE = 3_000;
const FULL = 50;
const LONGEST = 900_000; // of a post, pressed; the server takes a little more
const KEEPALIVE = 60_000; // browsers let no more go on behind a page that is left
const WHOLE = 5 * 1024 * 1024;
const SNAPSHOT = 2;
const CHANGE = 3;
const SOURCES = new Set([0, 2, 3, 4, 5]); // the document, clicks and focus, scrolling, the window's size, inputs

const PRIVATE = "[type=password], [type=hidden], [autocomplete^='cc-'], [autocomplete='one-time-code'],"
  + " [autocomplete$='-password'], [data-private], [data-private] *";
const LONG_NUMBER = /(?:\d[ -]?){13,}/; // a card's, wherever it was typed
const KINDS = ["color", "date", "datetime-local", "email", "hidden", "month", "number", "password", "range", "search",
  "tel", "text", "time", "url", "week", "textarea"];

let waiting = [];
let number = 0;
let size = 0;
let timer;
let over = false;
let stop = () => undefined; // until the recorder has begun; it tells of the page itself while it begins

const masked = (value, element) => element.matches(PRIVATE) || LONG_NUMBER.test(value) ? "*" : value;

function begin() {
  stop = window.rrwebRecord.record({
    emit: take,
    sampling: { mousemove: false, scroll: 150, input: "last" },
    slimDOMOptions: true,
    recordCanvas: false,
    blockSelector: "[data-unseen]",
    maskInputOptions: Object.fromEntries(KINDS.map((kind) => [kind, true])),
    maskInputFn: masked,
    maskTextSelector: "[data-private]",
    errorHandler: () => true,
  }) ?? stop;
  if (over) stop();
  addEventListener("submit", () => window.rrwebRecord.record.addCustomEvent("submit", {}));
  addEventListener("visibilitychange", () => document.visibilityState === "hidden" && leave(false));
  addEventListener("pagehide", () => leave(true));
}

function take(event) {
  const { type: kind, data: { source } } = event;
  if (over || kind < SNAPSHOT || (kind === CHANGE && !SOURCES.has(source))) return;
  waiting.push(event);
  if (kind === SNAPSHOT || waiting.length >= FULL) send();
  else timer ??= setTimeout(send, PAUSE);
}

// What waits, as text. When it becomes too much the last part says so, and nothing more is recorded.
function part(left) {
  clearTimeout(timer);
  timer = undefined;
  const events = waiting;
  waiting = [];
  let text = spelled(events, left, false);
  size += text.length;
  if (size > WHOLE) {
    end();
    text = spelled([], left, true);
  }
  number += 1;
  return text;
}

const spelled = (events, left, cut) => JSON.stringify({ number, sent_at: Date.now(), left, cut, events });

function end() {
  over = true;
  stop();
}

async function send() {
  if (over || !waiting.length) return;
  const pressed = new Blob([part(false)]).stream().pipeThrough(new CompressionStream("gzip"));
  const body = await new Response(pressed).arrayBuffer();
  if (body.byteLength <= LONGEST) await post(body);
}

// There is no time to press what is sent last.
function leave(left) {
  if (over || (!left && !waiting.length)) return;
  const text = new Blob([part(left)]);
  if (text.size <= KEEPALIVE) post(text);
}

async function post(body) {
  const length = body.byteLength ?? body.size;
  const answer = await fetch("/recording", {
    method: "POST", body, keepalive: length <= KEEPALIVE,
    headers: { "Content-Type": "application/octet-stream", "Page-Nonce": here.nonce },
  }).catch(() => undefined);
  if (answer && answer.status >= 400 && answer.status < 500) end();
}

function load() {
  const recorder = document.createElement("script");
  recorder.nonce = here.nonce;
  recorder.src = here.dataset.recorder;
  recorder.addEventListener("load", begin);
  document.head.append(recorder);
}

const soon = () => window.requestIdleCallback ? requestIdleCallback(load, { timeout: 1_000 }) : setTimeout(load);
if (window.CompressionStream) {
  if (document.readyState === "complete") soon();
  else addEventListener("load", soon);
}
