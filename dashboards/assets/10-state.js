/* The page's state: address, theme, controls. The address bar always holds a link to what is seen. */
(function () {
  "use strict";
  const dash = (window.dash_clientside = window.dash_clientside || {});
  const functions = (dash.genviz = dash.genviz || {});
  const app = (window.genviz = { here: null, serial: 0, values: {}, theme: "light", picked: null });

  app.where = () => location.pathname + location.search;
  app.still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  app.say = function (text) {
    const toast = document.getElementById("toast");
    if (!toast) return;
    toast.textContent = text;
    toast.classList.add("shown");
    clearTimeout(app.saying);
    app.saying = setTimeout(() => toast.classList.remove("shown"), 2600);
  };

  app.post = function (path, value, more) {
    const body = JSON.stringify(value);
    return fetch(path, Object.assign({ method: "POST", headers: { "Content-Type": "application/json" }, body: body }, more));
  };

  /* An answer of one JSON value a line, as they come. */
  app.lines = async function* (answer) {
    const reader = answer.body.getReader();
    const text = new TextDecoder();
    let rest = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const whole = (rest + text.decode(part.value, { stream: true })).split("\n");
      rest = whole.pop();
      for (const line of whole) if (line) yield JSON.parse(line);
    }
  };

  function visit() {
    app.leave();
    document.getElementById("main").classList.remove("rerunning");
    app.visit(false);
  }

  /* What is on the page is of another address than the one in the bar, until the page's own state is there. */
  app.leave = function () {
    app.serial += 1;
    const main = document.getElementById("main");
    if (main) main.classList.add("leaving");
    return app.serial;
  };

  app.visit = (rerun) =>
    dash.set_props("address", { data: { href: app.where(), serial: app.serial, rerun: rerun } });

  app.go = function (href, replace) {
    history[replace ? "replaceState" : "pushState"](null, "", href);
    visit();
  };

  function withTheme(href) {
    const url = new URL(href, location.origin);
    if (!url.searchParams.has("theme")) url.searchParams.set("theme", app.theme);
    return url.pathname + url.search;
  }

  addEventListener("popstate", () => visit());
  addEventListener("click", function (event) {
    const link = event.target.closest && event.target.closest("a[href]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const url = new URL(link.href, location.origin);
    if (url.origin !== location.origin || link.target || link.hasAttribute("download")) return;
    if (link.getAttribute("href").startsWith("#")) return;
    event.preventDefault();
    const stay = link.dataset.stay && app.here && app.here.subject;
    app.go(withTheme(stay ? "/" + app.here.subject + "/slides" : url.pathname + url.search));
    document.getElementById("main").focus({ preventScroll: true });
    scrollTo(0, 0);
  });

  functions.boot = () => ({ href: app.where(), serial: ++app.serial });

  functions.theme = function (_, address) {
    const asked = new URLSearchParams(location.search).get("theme");
    const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    const toggled = dash.callback_context.triggered.some((one) => one.prop_id.startsWith("theme-toggle"));
    const known = ["light", "dark"].includes(asked) ? asked : localStorage.getItem("genviz-theme") || system;
    app.theme = toggled ? (app.theme === "dark" ? "light" : "dark") : known === "dark" ? "dark" : "light";
    if (toggled) localStorage.setItem("genviz-theme", app.theme);
    document.documentElement.dataset.theme = app.theme;
    return [app.theme, app.theme];
  };

  functions.pick = function (subject) {
    if (!subject || !app.here || subject === app.here.subject) return;
    const stay = app.here.page ? "?stay=" + encodeURIComponent(app.here.page) : "";
    app.go(withTheme("/" + encodeURIComponent(subject) + (app.here.page === "slides" ? "/slides" : stay)));
  };

  function readControls() {
    const found = {};
    for (const list of dash.callback_context.inputs_list.slice(2)) {
      for (const one of list) {
        const key = one.id.scope === "page" ? one.id.name : one.id.scope + "." + one.id.name;
        found[key] = one.value === null || one.value === undefined ? "" : String(one.value);
        const said = document.getElementById("value-" + one.id.scope + "-" + one.id.name);
        if (said) said.textContent = found[key];
      }
    }
    return found;
  }

  /* A field in which somebody types is waited for; Enter, leaving it, or any other control ends the wait.
     The fields' own waiting would set them back to what they were when a script sets them meanwhile. */
  let typing = null;

  function draw() {
    clearTimeout(typing);
    typing = null;
    app.draw(app.here, app.theme, app.values);
  }

  function typed() {
    const field = document.activeElement;
    const by = dash.callback_context.triggered;
    const mine = field && field.dataset.typed && by.length && by.every((one) => one.prop_id === field.id + ".value");
    return mine ? Number(field.dataset.typed) : 0;
  }

  addEventListener("keydown", (event) => typing && event.key === "Enter" && draw());
  addEventListener("focusout", () => typing && draw());

  /* Everything that can be changed on a page ends here: the address is rewritten, stale views are asked for. */
  functions.collect = function (here, theme) {
    if (!here || !theme) return;
    const arrived = !app.here || app.here.serial !== here.serial;
    if (!arrived && app.rerunning) return; // the address is ahead of what the page says of itself
    app.rerunning = false;
    app.here = here;
    app.values = readControls();
    app.theme = theme;
    remember(here, theme);
    document.title = here.title && here.title !== "genviz" ? here.title + " · genviz" : "genviz";
    if (arrived) {
      document.getElementById("main").classList.remove("leaving", "rerunning");
      app.arrive(here);
    }
    clearTimeout(typing);
    const wait = arrived ? 0 : Math.max(typed(), app.settling || 0);
    if (wait) typing = setTimeout(draw, wait);
    else draw();
  };

  function remember(here, theme) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(here.run || {})) query.set("run." + name, value);
    for (const [key, value] of Object.entries(app.values)) {
      const tab = key.startsWith("tab.") ? key.slice(4) : null;
      const first = tab === null ? (here.first || {})[key] : (here.tabs || {})[tab];
      if (first !== undefined && value !== first) query.set(key, value);
    }
    query.set("theme", theme);
    const href = here.path + "?" + query.toString().replace(/\+/g, "%20").replace(/%2C/g, ",");
    if (href !== app.where()) history.replaceState(null, "", href);
  }
})();
