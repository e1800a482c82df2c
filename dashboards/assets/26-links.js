/* Lines between words: those of the word (or the line) under the pointer stay, the others step back.
   A trace of lines says in `meta.links` which words, [left, right], each of its lines joins. */
(function () {
  "use strict";
  const app = window.genviz;
  const SIDES = ["query", "key"];

  app.followLinks = function (plot) {
    if (plot.dataset.links || !plot.data.some(joins)) return;
    plot.dataset.links = "yes";
    plot.on("plotly_hover", (event) => light(plot, event.points[0]));
    plot.on("plotly_unhover", () => plot.classList.remove("lit"));
  };

  const joins = (trace) => Boolean(trace.meta && trace.meta.links);

  function light(plot, point) {
    const side = SIDES.indexOf(point.data.name);
    const every = plot.data.filter(joins).flatMap((trace) => trace.meta.links);
    const text = JSON.stringify([place(plot, 0, point), place(plot, 1, point)]);
    const chosen = side < 0 ? (link) => JSON.stringify(link) === text : (link) => link[side] === point.pointNumber;
    const found = every.filter(chosen);
    if (!found.length && side < 0) return;
    plot.data.forEach(function (trace, number) {
      const group = plot.querySelector(".scatterlayer .trace" + plot._fullData[number].uid);
      if (group && joins(trace)) mark(group.querySelectorAll(".js-line"), trace.meta.links, chosen);
      const at = SIDES.indexOf(trace.name);
      if (!group || at < 0) return;
      const stays = new Set(found.map((link) => link[at]));
      if (at === side) stays.add(point.pointNumber);
      group.querySelectorAll(".textpoint").forEach((word, one) => word.classList.toggle("on", stays.has(one)));
    });
    plot.classList.add("lit");
  }

  /* Which word of a side the line under the pointer joins: what is picked by a click on it says so. */
  function place(plot, side, point) {
    const words = plot.data.find((trace) => trace.name === SIDES[side]);
    if (!words || !Array.isArray(point.customdata)) return -1;
    return words.meta.positions.indexOf(Number(point.customdata[side]));
  }

  function mark(lines, links, chosen) {
    if (lines.length !== links.length) return;
    lines.forEach((line, number) => line.classList.toggle("on", chosen(links[number])));
  }
})();
