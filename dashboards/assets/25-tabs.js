/* Tabs of a panel: titles side by side where they fit, a list of them where they do not. */
(function () {
  "use strict";
  const app = window.genviz;
  const widths = new ResizeObserver((seen) => seen.forEach((one) => fit(one.target.closest(".tabs"))));

  function fit(tabs) {
    const strip = tabs && tabs.querySelector(".tab-strip");
    if (strip && tabs.clientWidth) tabs.classList.toggle("tight", strip.offsetWidth > tabs.clientWidth + 1);
  }

  /* Called for each panel when a page has come and when a tab was chosen. */
  app.markTab = function (panel, chosen) {
    const tabs = document.querySelector('[data-tabs="' + panel + '"]');
    if (!tabs) return;
    if (!tabs.dataset.watched) {
      tabs.dataset.watched = "yes";
      widths.observe(tabs);
      widths.observe(tabs.querySelector(".tab-strip"));
    }
    for (const tab of tabs.querySelectorAll(".tab-title")) {
      const on = tab.dataset.tab === chosen;
      tab.setAttribute("aria-selected", String(on));
      tab.tabIndex = on ? 0 : -1;
    }
  };

  function choose(tab) {
    const id = { role: "control", scope: "tab", name: tab.closest("[data-tabs]").dataset.tabs };
    window.dash_clientside.set_props(id, { value: tab.dataset.tab });
  }

  addEventListener("click", function (event) {
    const tab = event.target.closest && event.target.closest(".tab-title");
    if (tab) choose(tab);
  });

  addEventListener("keydown", function (event) {
    const tab = event.target.closest && event.target.closest(".tab-title");
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!tab || !way) return;
    const every = [...tab.parentElement.children];
    const next = every[(every.indexOf(tab) + way + every.length) % every.length];
    event.preventDefault();
    next.focus();
    choose(next);
  });
})();
