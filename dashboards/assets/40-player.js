/* The player: every frame is here already, so that scrubbing and playing ask nobody. */
(function () {
  "use strict";
  const app = window.genviz;
  const NAMES = { linear: "straight line", slerp: "arc (slerp)" };
  let asked = "", frames = {}, at = 0, timer = null, parts = null, flight = 0;

  app.play = function (here, theme, values) {
    const place = document.getElementById("player");
    if (!place) return stop();
    const keys = (here.views || {})[place.dataset.view];
    if (!keys) return;
    const chosen = {};
    for (const name of ["picks", "way"]) if (keys[name] in values) chosen[name] = values[keys[name]];
    if ((chosen.picks || "").split(",").filter(Boolean).length !== 2) {
      asked = "";
      stop();
      return refuse(place, "Choose two items on the map: the walk runs from A to B.");
    }
    const request = JSON.stringify({ subject: here.subject, run: here.run || {}, theme: theme, values: chosen });
    if (request === asked && place.querySelector("button")) return;
    asked = request;
    load(place, request);
  };

  function load(place, request) {
    const mine = ++flight;
    stop();
    fetch("/frames", { method: "POST", headers: { "Content-Type": "application/json" }, body: request })
      .then((answer) => answer.json())
      .then(function (found) {
        if (mine !== flight || !document.body.contains(place)) return;
        if (found.error) return refuse(place, found.error);
        frames = found;
        build(place);
      })
      .catch(() => mine === flight && refuse(place, "The server does not answer."));
  }

  function make(tag, attributes, text) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function refuse(place, text) {
    place.replaceChildren(make("p", { class: "player-note" }, text));
  }

  function build(place) {
    const ways = Object.keys(frames);
    const screens = ways.map(function (way) {
      const figure = make("figure", { class: "screen" });
      figure.append(make("img", { alt: "Decoded picture, " + NAMES[way], draggable: "false" }));
      figure.append(make("figcaption", {}, NAMES[way]));
      return figure;
    });
    const count = frames[ways[0]].length;
    const play = make("button", { type: "button", class: "button player-play", "aria-label": "Play" });
    const back = make("button", { type: "button", class: "button step back", "aria-label": "One step back" });
    const on = make("button", { type: "button", class: "button step on", "aria-label": "One step on" });
    const slider = make("input", { type: "range", min: 0, max: count - 1, step: 1, "aria-label": "Share of the way from A to B" });
    const bar = make("div", { class: "player-bar" });
    bar.append(play, back, make("b", {}, "A"), slider, make("b", {}, "B"), on);
    const row = make("div", { class: "screens" });
    row.append(...screens);
    place.replaceChildren(row, bar);
    parts = { images: screens.map((one) => one.firstChild), slider: slider, play: play, ways: ways, count: count };
    slider.addEventListener("input", () => (stop(), show(Number(slider.value))));
    play.addEventListener("click", () => (timer ? stop() : start()));
    back.addEventListener("click", () => (stop(), show(Math.max(0, at - 1))));
    on.addEventListener("click", () => (stop(), show(Math.min(count - 1, at + 1))));
    show(Math.min(at || Math.floor(count / 2), count - 1));
  }

  function show(place) {
    at = place;
    parts.slider.value = String(place);
    parts.images.forEach((image, number) => (image.src = frames[parts.ways[number]][place]));
    const share = (place / (parts.count - 1)).toFixed(2);
    parts.slider.setAttribute("aria-valuetext", share + " of the way");
    const caption = document.getElementById("player-caption");
    if (caption) caption.textContent = "t = " + share;
  }

  /* There and back again; it never begins by itself, and goes slowly for those who want little motion. */
  function start() {
    let step = at >= parts.count - 1 ? -1 : 1;
    parts.play.classList.add("playing");
    parts.play.setAttribute("aria-label", "Pause");
    timer = setInterval(function () {
      if (at + step < 0 || at + step >= parts.count) step = -step;
      show(at + step);
    }, app.still() ? 700 : 110);
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    if (!parts) return;
    parts.play.classList.remove("playing");
    parts.play.setAttribute("aria-label", "Play");
  }
})();
