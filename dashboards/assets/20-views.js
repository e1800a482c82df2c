/* Views: at most one request of a view is on its way; the newest state is asked for when it has come back.
   A request that only waits for a picture that takes long is overtaken by a newer state. */
(function () {
  "use strict";
  const dash = window.dash_clientside;
  const functions = dash.genviz;
  const app = window.genviz;
  const PATIENCE = 60000; // ms after which an answer is taken for lost
  const page = Math.random().toString(36).slice(2); // whose pictures the server may stop when others are wanted
  let views = {};
  let number = 0;

  app.arrive = function (here) {
    const ahead = Object.entries(views).filter((entry) => here.kept && entry[1].ahead === here.serial);
    views = Object.fromEntries(ahead);
    for (const frame of document.querySelectorAll(".view.drawn")) {
      frame.classList.remove("ahead");
      if (!(frame.dataset.view in views)) frame.classList.remove("drawn");
    }
    if (app.slides) app.slides(here);
  };

  app.draw = function (here, theme, values) {
    showTabs(here, values);
    app.play(here, theme, values);
    app.write(here, values);
    app.clock(values);
    app.presets(values);
    for (const [name, keys] of Object.entries(here.views || {})) {
      const frame = document.getElementById("view-" + name);
      if (!frame || frame.hidden) continue;
      const chosen = {};
      for (const [control, key] of Object.entries(keys)) if (key in values) chosen[control] = values[key];
      ask(name, { subject: here.subject, view: name, theme: theme, run: here.run || {}, values: chosen });
    }
  };

  app.stateOf = (name) => (views[name] ? views[name].wanted : null);

  function ask(name, request) {
    const view = (views[name] = views[name] || { wanted: null, flying: null, sent: null });
    const text = JSON.stringify(request);
    if (view.wanted && JSON.stringify(view.wanted) === text) return;
    view.wanted = request;
    if (app.step(name, view)) return;
    if (view.flying === null || view.again || Date.now() - view.since > PATIENCE) send(name, view);
  }

  function send(name, view, again) {
    view.flying = ++number;
    view.since = Date.now();
    view.again = Boolean(again);
    view.sent = view.wanted;
    const flight = view.flying;
    setTimeout(() => {
      if (view.flying === flight) mark(name, "busy", true);
    }, 150);
    dash.set_props({ role: "request", view: name }, { data: Object.assign({ number: flight, again: view.again, page: page }, view.sent) });
  }

  functions.answered = function (answer) {
    const name = nameOf(dash.callback_context.triggered);
    const view = views[name];
    if (view && answer && answer.number === view.overtaken) send(name, view); // it lies over what came ahead
    if (!view || !answer || answer.number !== view.flying) return dash.no_update;
    view.flying = null;
    arrived(name, view, answer);
    if (view.wanted !== view.sent && !app.step(name, view)) send(name, view);
    else if (answer.again) again(name, view);
    if (view.played) app.fitSteps(name, view);
    return answer.number;
  };

  function arrived(name, view, answer) {
    mark(name, "busy", false);
    mark(name, "drawn", true);
    mark(name, "failed", !answer.ok);
    if (app.here && ((app.here.clicks || {})[name] || spansOf(name))) listen(name, 50);
    view.played = answer.ok ? answer.played : null;
  }

  /* A picture that came without being asked for: when the page asks the same, it is there. */
  app.ahead = function (serial, said) {
    const name = said.request.view;
    const overtaken = (views[name] && views[name].flying) || null;
    const view = { wanted: said.request, sent: said.request, flying: null, ahead: serial, overtaken: overtaken };
    views[name] = view;
    for (const role of ["figure", "message", "caption", "note"])
      if (role in said) dash.set_props({ role: role, view: name }, { [role === "figure" ? role : "children"]: said[role] });
    arrived(name, view, said.answer);
    mark(name, "ahead", true);
  };

  function nameOf(triggered) {
    const id = triggered.length ? triggered[0].prop_id : "";
    return id ? JSON.parse(id.slice(0, id.lastIndexOf("."))).view : "";
  }

  /* What was drawn stands in for something that is still being worked out: ask once more. */
  function again(name, view) {
    const wanted = view.wanted;
    mark(name, "busy", true);
    setTimeout(function () {
      if (views[name] === view && view.wanted === wanted && view.flying === null) send(name, view, true);
    }, 300);
  }

  function mark(name, sign, on) {
    const frame = document.getElementById("view-" + name);
    if (frame) frame.classList.toggle(sign, on);
  }

  function showTabs(here, values) {
    for (const [panel, first] of Object.entries(here.tabs || {})) {
      const chosen = values["tab." + panel] || first;
      app.markTab(panel, chosen);
      document.querySelectorAll('[data-panel="' + panel + '"] > .view').forEach(function (frame) {
        const away = frame.dataset.view !== chosen;
        if (frame.hidden !== away) frame.hidden = away;
        const caption = document.querySelector('[data-caption="' + frame.dataset.view + '"]');
        if (caption) caption.hidden = away;
      });
      document.querySelectorAll("[data-for]").forEach(function (section) {
        const frame = document.getElementById("view-" + section.dataset.for);
        if (frame) section.hidden = frame.hidden;
      });
    }
  }

  /* Clicks on marks set controls; everything else follows from the controls. Plotly's own event is used:
     the one that Dash hands on lacks the values of marks that were sent as bytes. */
  function listen(name, patience) {
    const plot = plotOf(name);
    if (!plot || !plot.on) {
      if (patience > 0) setTimeout(() => listen(name, patience - 1), 100);
    } else if (!plot.dataset.heard) {
      plot.dataset.heard = "yes";
      app.followLinks(plot);
      plot.on("plotly_click", (click) => clicked(name, plot, click));
      plot.on("plotly_relayout", (change) => moved(name, plot, change));
      plot.on("plotly_doubleclick", () => show(name, {}, Date.now()));
    }
  }

  /* Axis → the control that says which part of it a view shows, and how long the axis is. A figure whose
     axes are others than the control's own names them itself. */
  function spansOf(name) {
    const keys = ((app.here || {}).views || {})[name] || {};
    const plot = plotOf(name);
    const own = ((plot && plot.layout && plot.layout.meta) || {}).spans;
    const spans = {};
    for (const field of document.querySelectorAll("[data-span]")) {
      const id = JSON.parse(field.dataset.place);
      if (!(id.name in keys && (id.scope === "page" || id.scope === name))) continue;
      const axis = own ? Object.keys(own).find((one) => own[one] === id.name) : field.dataset.span;
      if (axis) spans[axis] = { id: id, count: Number(field.dataset.count) };
    }
    return Object.keys(spans).length ? spans : null;
  }

  const plotOf = (name) => document.querySelector("#view-" + name + " .js-plotly-plot");
  const axisOf = (plot, axis) => plot._fullLayout[axis[0] + "axis" + axis.slice(1)];

  /* A box drawn in a picture, or a picture that was moved, asks for that part: the controls say which one. */
  let asking = 0;
  let whole = 0;
  function moved(name, plot, change) {
    const spans = spansOf(name);
    if (!spans || !Object.keys(change).some((key) => /^[xy]axis\d*\.range/.test(key))) return;
    const ends = {};
    for (const axis of Object.keys(spans)) ends[axis] = axisOf(plot, axis).range.slice();
    clearTimeout(asking);
    asking = setTimeout(() => Date.now() - whole > 600 && show(name, ends, 0), 60);
  }

  function show(name, ends, all) {
    const spans = spansOf(name);
    if (!spans) return;
    whole = all || whole;
    if (all) clearTimeout(asking);
    for (const [axis, span] of Object.entries(spans))
      dash.set_props(span.id, { value: axis in ends ? within(ends[axis], span.count) : "" });
  }

  /* Cells that a range of an axis touches: the n-th lies from n - 1/2 to n + 1/2. */
  function within(range, count) {
    const first = Math.max(0, Math.floor(Math.min(range[0], range[1]) + 0.5));
    const last = Math.min(count - 1, Math.ceil(Math.max(range[0], range[1]) - 0.5));
    return first === 0 && last === count - 1 ? "" : Math.min(first, last) + "-" + last;
  }

  function clicked(name, plot, click) {
    const rule = app.here && (app.here.clicks || {})[name];
    if (!rule) return;
    if (rule.place) return placed(name, plot, rule, click.event);
    const mark = click.points.find(function (point) {
      const known = point.customdata !== undefined && point.customdata !== null;
      return known && (!rule.trace || point.data.name === rule.trace);
    });
    if (!mark) return;
    const values = [].concat(mark.customdata);
    rule.sets.forEach((control, place) => set(control, values[place]));
    if (rule.picks) pick(rule.picks, values[0], rule.most);
  }

  /* The cell under the pointer; in a part of a picture a second click may follow, which asks for all of it. */
  let placing = 0;
  function placed(name, plot, rule, event) {
    const box = plot.getBoundingClientRect();
    const found = ["y", "x"].map(function (axis) {
      const one = axisOf(plot, axis);
      const at = axis === "x" ? event.clientX - box.left : event.clientY - box.top;
      const inside = at >= one._offset && at <= one._offset + one._length;
      return inside ? Math.round(one.p2d(at - one._offset)) : null;
    });
    if (found.includes(null)) return;
    const spans = spansOf(name) || {};
    const zoomed = Object.values(spans).some((span) => app.values[span.id.name]);
    clearTimeout(placing);
    placing = setTimeout(
      () => Date.now() - whole > 600 && rule.sets.forEach((control, place) => set(control, found[place])),
      zoomed ? 320 : 0
    );
  }

  function set(control, value) {
    if (value === undefined || value === null || !(control in app.values)) return;
    const id = { role: "control", scope: "page", name: control };
    dash.set_props(id, { value: typeof value === "number" ? value : String(value) });
  }

  /* One click more than there are places begins anew; a click on a chosen item lets it go. */
  function pick(control, item, most) {
    const now = (app.values[control] || "").split(",").filter((part) => part !== "");
    const text = String(item);
    if (app.fresh !== app.here.serial) now.length = 0; // the first click replaces the pair of the first sight
    app.fresh = app.here.serial;
    const next = now.includes(text) ? now.filter((one) => one !== text) : now.length >= most ? [text] : now.concat(text);
    dash.set_props({ role: "control", scope: "page", name: control }, { value: next.join(",") });
  }
})();
