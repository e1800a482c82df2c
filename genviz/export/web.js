"use strict";

(() => {
  const slides = [...document.querySelectorAll("main > section")];
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const config = { responsive: true, displaylogo: false, showSendToCloud: false, showEditInChartStudio: false, plotlyServerURL: "" };

  const draw = (slide) => {
    const place = slide.querySelector(".figure");
    if (place.dataset.drawn) return Promise.resolve();
    place.dataset.drawn = "yes";
    const { data, layout, frames } = figures[slides.indexOf(slide)];
    return Plotly.newPlot(place, { data, layout, frames, config });
  };

  // A long talk opens at once: a figure is drawn when it is about to be seen, and all of them for paper.
  const soon = new IntersectionObserver(
    (seen) => seen.filter((entry) => entry.isIntersecting).forEach((entry) => draw(entry.target)),
    { rootMargin: "100% 0px" },
  );
  // Text is measured when a figure is laid out, so the typeface comes first.
  Promise.all(["400 16px Inter", "600 16px Inter"].map((font) => document.fonts.load(font))).then(() =>
    slides.forEach((slide) => soon.observe(slide)),
  );
  window.addEventListener("beforeprint", () => slides.forEach(draw));

  const steps = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };
  window.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (!step || slides.length < 2 || event.altKey || event.ctrlKey || event.metaKey) return;
    const tops = slides.map((slide) => Math.abs(slide.getBoundingClientRect().top));
    const next = slides[tops.indexOf(Math.min(...tops)) + step];
    if (!next) return;
    event.preventDefault();
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    next.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
    next.focus({ preventScroll: true });
  });
})();
