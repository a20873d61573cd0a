// Plays what a browser recorded of a page (docs/decisions/0021). It runs under an origin of its own, where nothing else is.
const stage = document.querySelector(".stage");
const events = JSON.parse(stage.dataset.events);
const play = document.querySelector("[data-play]");
const place = document.querySelector("input[type=range]");
const player = new window.rrwebReplay.Replayer(events, {
  root: stage, mouseTail: false, triggerFocus: false, showWarning: false, UNSAFE_replayCanvas: false,
});
const words = { play: play.textContent, pause: play.dataset.pause };
const whole = player.getMetaData().totalTime;
let playing = false;

// The page as wide as it was, made to fit.
function fit({ width, height }) {
  const scale = Math.min(1, stage.clientWidth / width);
  player.wrapper.style.transform = `scale(${scale})`;
  stage.style.height = `${height * scale}px`;
}

function show(at) {
  playing = false;
  play.textContent = words.play;
  place.value = String(at);
  player.pause(at);
}

function tick() {
  if (!playing) return;
  const at = player.getCurrentTime();
  place.value = String(at);
  if (at >= whole) show(whole);
  else requestAnimationFrame(tick);
}

place.max = String(whole);
place.addEventListener("input", () => show(Number(place.value)));
for (const act of document.querySelectorAll("[data-at]")) act.addEventListener("click", () => show(Number(act.dataset.at)));
play.addEventListener("click", () => {
  if (playing) return show(player.getCurrentTime());
  const from = Number(place.value);
  playing = true;
  play.textContent = words.pause;
  player.play(from >= whole ? 0 : from);
  return requestAnimationFrame(tick);
});
player.on("resize", fit);
show(0);
