/* Steps: a figure that holds a frame for every step is played here, and the server is not asked. */
(function () {
  "use strict";
  const dash = window.dash_clientside;
  const app = window.genviz;
  const now = (redraw) => ({ mode: "immediate", transition: { duration: 0 }, frame: { duration: 0, redraw: redraw } });
  let lasts = {}; // key of a control → its last step, on the page of this serial
  let serial = 0;
  let timer = null;
  let playing = null; // the bar whose figure plays

  const plotOf = (name) => document.querySelector("#view-" + name + " .js-plotly-plot");

  /* Whether all that is wanted of a view is another step of what is drawn; if so it is shown. */
  app.step = function (name, view) {
    const wanted = view.wanted;
    if (!view.played || view.flying !== null || !differOnly(view.sent, wanted, view.played.control)) return false;
    show(name, view, wanted, 40);
    return true;
  };

  function differOnly(first, second, control) {
    const but = (request) => JSON.stringify(Object.assign({}, request, { values: Object.assign({}, request.values, { [control]: "" }) }));
    return Boolean(first) && but(first) === but(second);
  }

  /* The figure of an answer comes a little later than the answer: its id tells whether it is there. What is
     seen stands in data-step: Plotly keeps the figure's own words as they were drawn. */
  function show(name, view, wanted, patience) {
    if (view.wanted !== wanted || !view.played) return;
    const plot = plotOf(name);
    const there = plot && plot.layout && plot.layout.meta && plot.layout.meta.played;
    if (!there || there.id !== view.played.id) {
      if (patience > 0) setTimeout(() => show(name, view, wanted, patience - 1), 50);
      return;
    }
    const control = view.played.control;
    const at = String(Math.min(Number(wanted.values[control]), view.played.last));
    const drawn = wanted === view.sent;
    view.sent = wanted;
    plot.dataset.step = at;
    if (!drawn) window.Plotly.animate(plot, [at], now(view.played.redraw)).catch(() => undefined); // the next one came first
  }

  function idOf(key) {
    const dot = key.indexOf(".");
    return { role: "control", scope: dot < 0 ? "page" : key.slice(0, dot), name: key.slice(dot + 1) };
  }

  const keyOf = (id) => (id.scope === "page" ? id.name : id.scope + "." + id.name);

  function set(key, value) {
    dash.set_props(idOf(key), { value: value });
  }

  /* The slider ends where the figure does; who stood at the end stays there. */
  app.fitSteps = function (name, view) {
    const played = view.played;
    const key = app.here && ((app.here.views || {})[name] || {})[played.control];
    if (!key || !(key in app.values)) return;
    if (serial !== app.here.serial) lasts = {};
    serial = app.here.serial;
    const now = Number(app.values[key]);
    const end = key in lasts ? lasts[key] : Number(app.here.first[key]);
    lasts[key] = played.last;
    const ends = [0, played.last].map((value) => ({ value: value, label: String(value) }));
    const value = now >= end ? played.last : Math.min(now, played.last);
    dash.set_props(idOf(key), { max: Math.max(played.last, 1), marks: ends, value: value });
    if (view.wanted === view.sent) show(name, view, view.wanted, 40);
  };

  addEventListener("click", function (event) {
    const button = event.target.closest && event.target.closest("[data-steps]");
    if (!button) return;
    const bar = button.closest("[data-place]");
    const key = keyOf(JSON.parse(bar.dataset.place));
    const last = key in lasts ? lasts[key] : Number(app.values[key]);
    const at = Math.min(Number(app.values[key]), last);
    const does = button.dataset.steps;
    if (does === "play" && !timer) return start(bar, key, at >= last ? 0 : at);
    stop();
    if (does === "back") set(key, Math.max(0, at - 1));
    if (does === "on") set(key, Math.min(last, at + 1));
  });

  /* It plays once, to the end; it never begins by itself, and goes slowly for those who want little motion. */
  function start(bar, key, from) {
    let at = from;
    playing = bar;
    sign(true);
    set(key, at);
    timer = setInterval(function () {
      const moved = document.body.contains(bar) && String(at) === app.values[key];
      if (!moved || at >= lasts[key]) return stop();
      at += 1;
      set(key, at);
    }, app.still() ? 1500 : 650);
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    sign(false);
  }

  function sign(on) {
    const button = playing && playing.querySelector('[data-steps="play"]');
    if (!button) return;
    button.classList.toggle("playing", on);
    button.setAttribute("aria-label", on ? "Pause" : "Play");
  }
})();
