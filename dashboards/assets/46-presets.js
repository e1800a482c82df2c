/* Presets: a button sets several controls, and is marked while they all say what it sets. */
(function () {
  "use strict";
  const dash = window.dash_clientside;
  const app = window.genviz;
  const SETTLES = 80; // ms in which controls that are set together arrive one by one

  app.presets = function (values) {
    for (const button of document.querySelectorAll("[data-sets]")) {
      const sets = Object.entries(JSON.parse(button.dataset.sets));
      button.setAttribute("aria-pressed", String(sets.every(([name, value]) => values[name] === String(value))));
    }
  };

  addEventListener("click", function (event) {
    const button = event.target.closest && event.target.closest("[data-sets]");
    if (!button) return;
    app.settling = SETTLES;
    for (const [name, value] of Object.entries(JSON.parse(button.dataset.sets))) {
      const toggle = typeof value === "boolean";
      const id = { role: toggle ? "switch" : "control", scope: "page", name: name };
      dash.set_props(id, toggle ? { checked: value } : { value: typeof value === "number" ? value : String(value) });
    }
    setTimeout(() => (app.settling = 0), 5 * SETTLES);
  });
})();
