/* Slides: what describes a figure is kept in this browser; pictures are drawn again from it. */
(function () {
  "use strict";
  const app = window.genviz;
  const KEY = "genviz-slides";
  const drawn = new Map(); // state → picture, while the page is open

  function read() {
    try {
      const found = JSON.parse(localStorage.getItem(KEY) || "[]");
      return Array.isArray(found) ? found : [];
    } catch (_) {
      return [];
    }
  }

  function keep(slides) {
    localStorage.setItem(KEY, JSON.stringify(slides));
    count();
  }

  function count() {
    const badge = document.getElementById("tray-count");
    if (!badge) return;
    const number = read().length;
    badge.textContent = String(number);
    badge.classList.toggle("empty", number === 0);
  }

  function add(name) {
    const frame = [...document.querySelectorAll('[data-panel="' + name + '"] > .view')].find((one) => !one.hidden);
    const state = frame && app.stateOf(frame.dataset.view);
    if (!state || !frame.classList.contains("drawn") || frame.classList.contains("failed")) {
      return app.say("This picture is not drawn yet");
    }
    const caption = document.querySelector('[data-caption="' + state.view + '"]');
    const slides = read();
    slides.push({
      id: Date.now().toString(36) + Math.random().toString(36).slice(2, 7),
      subject: state.subject, view: state.view, values: state.values, run: state.run,
      title: app.here.names[state.view], caption: caption ? caption.textContent : "", notes: "", link: app.where(),
    });
    keep(slides);
    app.say("Added to slides (" + slides.length + ")");
  }

  function make(tag, attributes, ...inside) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
    made.append(...inside);
    return made;
  }

  function field(slide, name, label, long) {
    const id = "slide-" + slide.id + "-" + name;
    const input = make(long ? "textarea" : "input", { id: id, maxlength: long ? 8000 : 1000, class: "field" });
    if (long) input.rows = 2;
    input.value = slide[name];
    input.addEventListener("input", function () {
      const slides = read();
      const mine = slides.find((one) => one.id === slide.id);
      if (!mine) return;
      mine[name] = input.value;
      keep(slides);
    });
    return make("div", { class: "slide-field" }, make("label", { for: id }, label), input);
  }

  function move(id, by) {
    const slides = read();
    const from = slides.findIndex((one) => one.id === id);
    const to = from + by;
    if (from < 0 || to < 0 || to >= slides.length) return;
    slides.splice(to, 0, slides.splice(from, 1)[0]);
    keep(slides);
    list();
    const button = document.querySelector('[data-slide="' + id + '"] .' + (by < 0 ? "up" : "down"));
    if (button && !button.disabled) button.focus();
  }

  function card(slide, place, total) {
    const act = (name, label, does, off) => {
      const button = make("button", { type: "button", class: "button quiet " + name, title: label, "aria-label": label });
      button.disabled = Boolean(off);
      button.addEventListener("click", does);
      return button;
    };
    const thumb = make("div", { class: "thumb" }, make("span", { class: "skeleton" }));
    const open = make("a", { href: slide.link, class: "thumb-link", title: "Open this view" }, thumb);
    const words = make("div", { class: "slide-words" }, field(slide, "title", "Title"), field(slide, "caption", "Caption"),
      field(slide, "notes", "Speaker notes", true));
    const tools = make("div", { class: "slide-tools" },
      act("up", "Move up", () => move(slide.id, -1), place === 0),
      act("down", "Move down", () => move(slide.id, 1), place === total - 1),
      act("remove", "Remove slide", function () {
        keep(read().filter((one) => one.id !== slide.id));
        list();
      }));
    const item = make("li", { class: "slide", "data-slide": slide.id },
      make("span", { class: "slide-number" }, String(place + 1)), open, words, tools);
    picture(slide, thumb);
    return item;
  }

  async function picture(slide, thumb) {
    const theme = deckTheme();
    const state = { subject: slide.subject, view: slide.view, values: slide.values, run: slide.run, theme: theme };
    const key = JSON.stringify(state);
    try {
      if (!drawn.has(key)) drawn.set(key, await paint(state));
      const image = make("img", { src: drawn.get(key), alt: slide.title || slide.view });
      thumb.replaceChildren(image);
    } catch (error) {
      thumb.replaceChildren(make("p", { class: "thumb-note" }, String(error.message || error)));
    }
  }

  async function paint(state) {
    const answer = await app.post("/slides/figure", state);
    const figure = await answer.json();
    if (figure.error) throw new Error(figure.error);
    while (!window.Plotly) await new Promise((done) => setTimeout(done, 60));
    figure.layout.width = 1280;
    figure.layout.height = 720;
    return window.Plotly.toImage(figure, { format: "png", width: 1280, height: 720, scale: 0.5 });
  }

  function deckTheme() {
    const chosen = document.querySelector("#deck-theme input:checked");
    return chosen && chosen.value === "dark" ? "dark" : "light";
  }

  function list() {
    const place = document.getElementById("slide-list");
    if (!place) return;
    const slides = read();
    place.replaceChildren(...slides.map((slide, number) => card(slide, number, slides.length)));
    document.getElementById("slide-empty").hidden = slides.length > 0;
    document.querySelectorAll("[data-download]").forEach((button) => (button.disabled = slides.length === 0));
  }

  async function download(button) {
    const slides = read();
    const status = document.getElementById("deck-status");
    const format = button.dataset.download;
    button.disabled = true;
    status.textContent = "drawing " + slides.length + (slides.length === 1 ? " slide …" : " slides …");
    try {
      const answer = await app.post("/slides/deck", { format: format, theme: deckTheme(), slides: slides });
      if (!answer.ok) throw new Error((await answer.json()).error);
      const link = make("a", { href: URL.createObjectURL(await answer.blob()), download: "slides." + format });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
      status.textContent = "slides." + format + " is in your downloads";
    } catch (error) {
      status.textContent = String(error.message || "the deck could not be written");
    }
    button.disabled = false;
  }

  app.slides = function () {
    count();
    list();
  };

  addEventListener("click", function (event) {
    const button = event.target.closest && event.target.closest("button");
    if (button && button.dataset.keep) add(button.dataset.keep);
    if (button && button.dataset.download) download(button);
  });
  addEventListener("change", function (event) {
    if (event.target.closest && event.target.closest("#deck-theme")) list();
  });
  addEventListener("storage", (event) => event.key === KEY && (count(), list()));
})();
