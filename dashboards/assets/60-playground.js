/* The playground: answers come token by token; each word can be looked into, changed and forbidden.
   The controls hold the state: what is done here sets them, and what they say is written. */
(function () {
  "use strict";
  const dash = window.dash_clientside;
  const app = window.genviz;
  const VIEW = "next_distribution";
  const LOOKING = ["step", "sample", "lane"]; // which word is looked at: nothing is written anew for that
  const PATIENCE = 250; // ms in which further changes are waited for
  const ENDINGS = {
    end: "the model ended it", stop: "a stop sequence ended it", length: "max length reached",
    context: "the model's context is full", time: "time is up",
  };
  let place = null; // the frame on the page
  let asked = ""; // what is written or being written
  let timer = null;
  let lanes = []; // one answer, or two with different settings side by side
  let branches = []; // answers to one prompt that differ in the words taken
  let looked = { lane: 0, sample: 0, step: 0 };
  let undone = []; // earlier values of the controls that the buttons here set
  let flights = 0;

  /* Called whenever a control has changed. */
  app.write = function (here, values) {
    const found = document.getElementById("playground");
    if (!found || !here.views || !here.views[VIEW]) {
      place = null;
      asked = "";
      return halt();
    }
    const chosen = {};
    for (const [control, key] of Object.entries(here.views[VIEW])) chosen[control] = values[key];
    looked = { lane: Number(chosen.lane) || 0, sample: Number(chosen.sample) || 0, step: Number(chosen.step) || 0 };
    for (const control of LOOKING) delete chosen[control];
    const request = { subject: here.subject, run: here.run || {}, values: chosen };
    const key = JSON.stringify(request);
    const fresh = found !== place;
    place = found;
    if (key !== asked || fresh) {
      asked = key;
      clearTimeout(timer);
      if (fresh) begin(request);
      else timer = setTimeout(() => begin(request), PATIENCE);
    } else {
      show();
    }
  };

  function begin(request) {
    halt();
    undone = undone.slice(-50);
    const settings = [request.values];
    if ((request.values.beside || "").trim()) settings.push(Object.assign({}, request.values, { lane: "1" }));
    lanes = settings.map((values) => ({ values: values, samples: [], note: "waiting …", error: "", over: false, since: 0, name: "" }));
    remember(request.values, lanes[0]);
    build();
    const other = (request.values.beside || "").match(/(?:^|,)\s*model\s*=\s*([^,\s]+)/);
    lanes.forEach((lane, at) => follow(lane, at && other ? { subject: other[1], run: {} } : request));
  }

  /* Branches belong to a prompt and settings; another word taken makes a new one. */
  function remember(values, lane) {
    const root = JSON.stringify(Object.assign({}, values, { forced: "" }));
    if (!branches.length || branches[0].root !== root) branches = [];
    const known = branches.find((one) => one.forced === values.forced);
    if (known) known.lane = lane;
    else branches.push({ root: root, forced: values.forced || "", lane: lane });
  }

  function halt() {
    clearTimeout(timer);
    lanes.filter((lane) => !lane.over).forEach(stop);
  }

  function stop(lane) {
    lane.over = true;
    lane.note = "stopped";
    if (!lane.name) return;
    lane.abort.abort();
    app.post("/answer/stop", { name: lane.name }, { keepalive: true }).catch(() => null);
  }

  async function follow(lane, request) {
    lane.name = Date.now().toString(36) + "-" + ++flights + "-" + Math.random().toString(36).slice(2);
    lane.abort = new AbortController();
    lane.since = performance.now();
    try {
      const values = Object.assign({}, lane.values);
      const answer = await app.post("/answer", { name: lane.name, subject: request.subject, run: request.run, values: values }, { signal: lane.abort.signal });
      for await (const line of app.lines(answer)) if (!lane.over) take(lane, line);
      if (!lane.over) fail(lane, "The server went away in the middle of the answer.");
    } catch (error) {
      if (!lane.over) fail(lane, "The server does not answer.");
    }
  }

  function take(lane, line) {
    if (line.error) return fail(lane, line.error);
    if (line.ahead !== undefined) lane.note = line.ahead ? line.ahead + " before this one …" : "writing …";
    if (line.samples) add(lane, line);
    if (line.done) finish(lane, line.done);
    note(lane);
  }

  function add(lane, line) {
    line.samples.forEach(function (word, at) {
      if (!word) return;
      const sample = (lane.samples[at] = lane.samples[at] || { words: [], ended: "", text: "" });
      sample.words[line.step] = word;
      sample.ended = word.ended;
      append(lane, at, line.step, word);
    });
    const each = (performance.now() - lane.since) / (line.step + 1);
    lane.note = "token " + (line.step + 1) + ", " + each.toFixed(each < 10 ? 1 : 0) + " ms each";
    if (lanes.indexOf(lane) === looked.lane && line.step === looked.step) show();
  }

  function finish(lane, done) {
    lane.over = true;
    done.samples.forEach((sample, at) => Object.assign(lane.samples[at], { text: sample.text, ended: sample.ended, stop: sample.stop }));
    const ends = [...new Set(done.samples.map((one) => ENDINGS[one.ended] + (one.ended === "stop" ? " (" + visible(one.stop) + ")" : "")))];
    const count = done.samples.reduce((sum, one) => sum + one.ids.length, 0);
    lane.note = count + (count === 1 ? " token" : " tokens") + " · " + ends.join(", ");
    if (lane.label) lane.label.textContent = lane.note;
    show();
  }

  function fail(lane, text) {
    lane.over = true;
    lane.error = text;
    lane.note = lane.samples.length ? "ended early; what was written is kept" : "nothing was written";
    note(lane);
    show();
  }

  // -- what stands on the page -----------------------------------------------------------------------

  function make(tag, attributes, ...inside) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
    made.append(...inside);
    return made;
  }

  function visible(text) {
    return String(text).replace(/\n/g, "↵").replace(/\t/g, "⇥");
  }

  /* A token as it reads in a text: marks of spaces are spaces between the words already. */
  function spoken(token) {
    return visible(token).replace(/^[\u2581\u0120 ]/, "") || "␣";
  }

  function build() {
    if (!place) return;
    const again = make("button", { type: "button", class: "button primary", "data-do": "again" }, "Write again");
    const halted = make("button", { type: "button", class: "button", "data-do": "stop" }, "Stop");
    const other = make("button", { type: "button", class: "button", "data-do": "seed", title: "The same settings with the next seed" }, "Other words");
    const undo = make("button", { type: "button", class: "button", "data-do": "undo" }, "Undo");
    const beside = make("button", { type: "button", class: "button", "data-do": "beside" }, lanes.length > 1 ? "One answer" : "Two settings");
    const bar = make("div", { class: "write-bar" }, make("h2", {}, "The answer"), halted, again, other, undo, beside);
    const columns = make("div", { class: "lanes" }, ...lanes.map(column));
    const left = make("div", { class: "write-left" }, bar, columns, make("ol", { class: "branches", "aria-label": "Branches" }));
    place.replaceChildren(left, make("div", { class: "inspector", "aria-live": "off" }));
    show();
  }

  function column(lane, at) {
    lane.label = make("span", { class: "write-note", role: "status" }, lane.note);
    const head = make("p", { class: "lane-head" });
    if (lanes.length > 1) head.append(make("b", {}, at ? lane.values.beside : told(lane.values)), " · ");
    head.append(lane.label);
    lane.body = make("div", { class: "lane-body" });
    lane.chips = [];
    lane.problem = make("p", { class: "write-problem", role: "alert" }, lane.error);
    lane.box = make("section", { class: "lane" }, head, lane.problem, lane.body);
    lane.samples.forEach((sample, number) => sample.words.forEach((word, step) => word && append(lane, number, step, word)));
    return lane.box;
  }

  function told(values) {
    return "temperature=" + values.temperature + ", top_p=" + values.top_p;
  }

  function append(lane, number, step, word) {
    if (!lane.body) return;
    while (lane.chips.length <= number) {
      lane.body.append(make("p", { class: "answer", dir: "auto" }, make("span", { class: "asked" }, lane.values.prompt + " ")));
      lane.chips.push([]);
    }
    const chip = make("button", {
      type: "button", class: "word", style: "--p:" + word.probability.toFixed(3), "data-step": step, "data-sample": number,
      title: "token " + step + ": " + percent(word.probability) + " by the model, drawn with " + percent(word.chance),
    }, spoken(word.token));
    if (places(lane.values.forced).some((one) => one.step === step)) chip.classList.add("taken");
    const chips = lane.chips[number];
    if (chips[step]) chips[step].replaceWith(chip);
    else lane.body.children[number].append(chip);
    chips[step] = chip;
    if (lane.rolling) return;
    lane.rolling = true; // once a frame: measuring the page for each token would take longer than writing it
    requestAnimationFrame(function () {
      lane.rolling = false;
      lane.body.scrollTop = lane.body.scrollHeight;
    });
  }

  function note(lane) {
    if (lane.label) lane.label.textContent = lane.note;
    if (lane.problem) lane.problem.textContent = lane.error;
  }

  function percent(share) {
    const value = 100 * share;
    return (value === 0 || value >= 1 ? value.toFixed(1) : value >= 0.001 ? value.toFixed(3) : value.toExponential(1)) + "%";
  }

  /* The word that is looked at, the branches, and which buttons can be pressed. */
  function show() {
    if (!place || !place.querySelector(".write-bar")) return;
    for (const chip of place.querySelectorAll(".word")) {
      const mine = lanes.indexOf(lanes.find((lane) => lane.body.contains(chip)));
      const on = mine === looked.lane && Number(chip.dataset.sample) === looked.sample && Number(chip.dataset.step) === looked.step;
      chip.classList.toggle("looked", on);
      chip.setAttribute("aria-pressed", String(on));
    }
    const busy = lanes.some((lane) => !lane.over);
    button("stop").hidden = !busy;
    button("again").hidden = busy;
    button("undo").disabled = !undone.length;
    inspect();
    tree();
  }

  function button(name) {
    return place.querySelector('[data-do="' + name + '"]');
  }

  function inspect() {
    const panel = place.querySelector(".inspector");
    const lane = lanes[looked.lane] || lanes[0];
    const sample = lane && lane.samples[Math.min(looked.sample, lane.samples.length - 1)];
    const step = sample && Math.min(looked.step, sample.words.length - 1);
    const word = sample && sample.words[step];
    if (!word) return panel.replaceChildren(make("p", { class: "write-note" }, "Click a word to see what else could have stood there."));
    const most = Math.max(...word.before, ...word.after, 1e-9);
    const rows = word.ids.map(function (id, at) {
      const name = make("span", { class: "choice-name" }, spoken(word.names[at]));
      const bar = make("span", { class: "choice-bar", style: "--b:" + word.before[at] / most + ";--a:" + word.after[at] / most });
      const chance = make("span", { class: "choice-chance" }, word.excluded_by[at] ? word.excluded_by[at].replace("_", " ") : percent(word.after[at]));
      const take = make("button", { type: "button", class: "choice", "data-take": id, title: "Take this word here and go on: " + percent(word.before[at]) + " by the model, " + percent(word.after[at]) + " after all settings" }, name, bar, chance);
      const ban = make("button", { type: "button", class: "ban", "data-ban": id, title: "Never say this word", "aria-label": "Ban " + spoken(word.names[at]) });
      const row = make("li", { class: (id === word.id ? "chosen " : "") + (word.excluded_by[at] ? "out" : "") }, take, ban);
      return row;
    });
    const head = make("p", { class: "inspector-head" }, make("b", {}, spoken(word.token)), " · word " + step + ", rank " + word.rank + ", " + word.open + " could be drawn");
    panel.replaceChildren(head, make("ol", { class: "choices" }, ...rows));
  }

  /* Words taken instead, in order: [{step, word}]. */
  function places(text) {
    return (text || "").split(",").map((part) => part.trim().match(/^(\d+)\s*:\s*(.+)$/)).filter(Boolean)
      .map((found) => ({ step: Number(found[1]), word: found[2] })).sort((a, b) => a.step - b.step);
  }

  function spelled(list) {
    return list.map((one) => one.step + ":" + one.word).join(", ");
  }

  /* Each branch under the one that it left, from its own word on. */
  function tree() {
    const list = place.querySelector(".branches");
    list.hidden = branches.length < 2;
    const now = lanes.length ? lanes[0].values.forced || "" : "";
    const depth = (one) => places(one.forced).length;
    const parent = (one) => spelled(places(one.forced).slice(0, -1));
    const ordered = [];
    const visit = (one) => {
      ordered.push(one);
      branches.filter((each) => each !== one && parent(each) === spelled(places(one.forced)) && depth(each) === depth(one) + 1).forEach(visit);
    };
    branches.filter((one) => !depth(one) || !branches.some((each) => spelled(places(each.forced)) === parent(one))).forEach((one) => ordered.includes(one) || visit(one));
    list.replaceChildren(...ordered.map(function (one) {
      const last = places(one.forced).slice(-1)[0];
      const words = ((one.lane.samples[0] || {}).words || []).map((word) => spoken(word.token));
      const text = last ? "… " + words.slice(last.step).join(" ") : words.join(" ");
      const chosen = make("button", { type: "button", class: "branch" + (one.forced === now ? " current" : ""), "data-branch": one.forced, style: "--depth:" + depth(one), title: text },
        make("span", { class: "branch-at" }, last ? "word " + last.step : "first"), text || "…");
      return make("li", {}, chosen);
    }));
  }

  // -- what people do ----------------------------------------------------------------------------------

  function set(values, quietly) {
    const before = {};
    const scope = (control) => (((app.here || {}).views || {})[VIEW] || {})[control] || control;
    for (const [control, value] of Object.entries(values)) {
      before[control] = app.values[scope(control)];
      const key = scope(control);
      const parts = key.split(".");
      const id = parts.length > 1 ? { role: "control", scope: parts[0], name: parts[1] } : { role: "control", scope: "page", name: key };
      dash.set_props(id, { value: value });
    }
    if (!quietly) undone.push(before);
    button("undo").disabled = !undone.length;
  }

  const ACTS = {
    stop: () => (lanes.filter((lane) => !lane.over).forEach((lane) => (stop(lane), note(lane))), show()),
    again: () => begin(JSON.parse(asked)),
    seed: () => set({ seed: (Number(JSON.parse(asked).values.seed) || 0) + 1 }),
    undo: () => undone.length && set(undone.pop(), true),
    beside: function () {
      const values = JSON.parse(asked).values;
      const other = Number(values.temperature) > 0 ? "temperature=0" : "temperature=1";
      set({ beside: (values.beside || "").trim() ? "" : other, lane: 0 });
    },
  };

  /* The same word everywhere before it, and another one here. */
  function takeWord(id) {
    const lane = lanes[looked.lane] || lanes[0];
    const sample = lane.samples[Math.min(looked.sample, lane.samples.length - 1)];
    const step = Math.min(looked.step, sample.words.length - 1);
    const before = places(lane.values.forced).filter((one) => one.step < step);
    const kept = before.concat([{ step: step, word: "#" + id }]);
    set({ forced: spelled(kept), step: step });
  }

  function ban(id) {
    const now = JSON.parse(asked).values.banned || "";
    set({ banned: (now.trim() ? now + ", " : "") + "#" + id });
  }

  addEventListener("click", function (event) {
    const pressed = event.target.closest && event.target.closest("#playground button");
    if (!pressed) return;
    const data = pressed.dataset;
    if (data.do) ACTS[data.do]();
    else if (data.take !== undefined) takeWord(data.take);
    else if (data.ban !== undefined) ban(data.ban);
    else if (data.branch !== undefined) set({ forced: data.branch });
    else if (data.step !== undefined) look(pressed);
  });

  function look(chip) {
    const lane = lanes.findIndex((one) => one.body.contains(chip));
    looked = { lane: lane, sample: Number(chip.dataset.sample), step: Number(chip.dataset.step) };
    show();
    set({ lane: looked.lane, sample: looked.sample, step: looked.step }, true);
  }

  addEventListener("keydown", function (event) {
    const chip = event.target.closest && event.target.closest("#playground .word");
    const way = { ArrowRight: "nextElementSibling", ArrowLeft: "previousElementSibling" }[event.key];
    const next = chip && way && chip[way];
    if (!next || !next.matches(".word")) return;
    event.preventDefault();
    next.focus();
    look(next);
  });

  addEventListener("pagehide", halt);
})();
