/* The clock of a training: the pictures of all steps are in the figures already, so that scrubbing asks nobody. */
(function () {
  "use strict";
  const app = window.genviz;
  let steps = [], at = 0, timer = null, parts = null, moving = false;

  app.clock = function (values) {
    const place = document.getElementById("clock");
    if (!place) return stop();
    if (!parts || !place.contains(parts.slider)) build(place);
    const asked = steps.indexOf(Number(values.checkpoint));
    if (asked >= 0 && !timer && asked !== at) mark(asked);
  };

  function make(tag, attributes) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

  function build(place) {
    stop();
    steps = JSON.parse(place.dataset.checkpoints);
    const said = make("output", { class: "clock-step" });
    const play = make("button", { type: "button", class: "button player-play", "aria-label": "Play" });
    const back = make("button", { type: "button", class: "button step back", "aria-label": "One checkpoint back" });
    const on = make("button", { type: "button", class: "button step on", "aria-label": "One checkpoint on" });
    const slider = make("input", { type: "range", min: 0, max: steps.length - 1, step: 1, "aria-label": "Checkpoint" });
    const bar = make("div", { class: "player-bar" });
    bar.append(play, back, slider, on);
    place.replaceChildren(said, bar);
    parts = { slider: slider, play: play, said: said };
    slider.addEventListener("input", () => (stop(), show(Number(slider.value))));
    slider.addEventListener("change", keep);
    play.addEventListener("click", () => (timer ? (stop(), keep()) : start()));
    back.addEventListener("click", () => (stop(), show(Math.max(0, at - 1)), keep()));
    on.addEventListener("click", () => (stop(), show(Math.min(steps.length - 1, at + 1)), keep()));
    mark(steps.length - 1);
  }

  function mark(place) {
    at = place;
    const text = "step " + steps[at].toLocaleString("en-US");
    parts.slider.value = String(at);
    parts.slider.setAttribute("aria-valuetext", text);
    parts.said.textContent = text;
  }

  function show(place) {
    mark(place);
    if (!moving) move();
  }

  /* One move of all pictures at a time; the newest place wins. */
  function move() {
    const shown = at;
    const plots = [...document.querySelectorAll("#main .view:not([hidden]) .js-plotly-plot")].filter(holds);
    moving = true;
    Promise.all(plots.map(turn))
      .catch(() => {}) // a picture that is being replaced is drawn anew with the step that is asked for
      .then(function () {
        moving = false;
        if (parts && at !== shown) move();
      });
  }

  const holds = (plot) => Boolean(plot._transitionData && plot._transitionData._frameHash[String(steps[at])]);
  const turn = (plot) =>
    window.Plotly.animate(plot, [String(steps[at])], {
      mode: "immediate", frame: { duration: 0, redraw: true }, transition: { duration: 0 },
    });

  /* The state of the page follows when the clock stands still: a link shows the same step. */
  function keep() {
    const id = { role: "control", scope: "page", name: "checkpoint" };
    if ("checkpoint" in app.values) window.dash_clientside.set_props(id, { value: String(steps[at]) });
  }

  function start() {
    if (at >= steps.length - 1) show(0);
    parts.play.classList.add("playing");
    parts.play.setAttribute("aria-label", "Pause");
    timer = setInterval(function () {
      if (at < steps.length - 1) show(at + 1);
      if (at >= steps.length - 1) (stop(), keep());
    }, app.still() ? 1600 : 800);
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    if (!parts) return;
    parts.play.classList.remove("playing");
    parts.play.setAttribute("aria-label", "Play");
  }
})();
