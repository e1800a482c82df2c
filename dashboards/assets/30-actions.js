/* Small actions: run the model on something else, copy the link. */
(function () {
  "use strict";
  const app = window.genviz;

  function run(fresh) {
    const query = new URLSearchParams(location.search);
    query.delete("run.cut"); // that was said of another text
    document.querySelectorAll(".run input").forEach(function (input) {
      const name = input.getAttribute("aria-label").toLowerCase();
      let value = input.value;
      if (fresh && name === "seed") value = String((Number(value) || 0) + 1);
      query.set("run." + name, value);
    });
    app.rerun(location.pathname + "?" + query.toString().replace(/\+/g, "%20"));
  }

  function expand(button) {
    const panel = button.closest(".panel");
    const wide = panel.classList.toggle("expanded");
    panel.parentElement.classList.toggle("one", wide);
    const says = wide ? "Show all pictures again" : "Fill the page with this picture";
    button.title = says;
    button.setAttribute("aria-label", says);
    button.setAttribute("aria-pressed", String(wide));
    dispatchEvent(new Event("resize"));
  }

  addEventListener("click", function (event) {
    const button = event.target.closest && event.target.closest("button");
    if (!button) return;
    if (button.id === "run-go") run(true);
    if (button.dataset.expand) expand(button);
    if (button.id === "copy-link") {
      navigator.clipboard.writeText(location.href).then(
        () => app.say("The link to this view is copied"),
        () => app.say("The address bar holds the link to this view")
      );
    }
  });

  addEventListener("keydown", function (event) {
    const wide = event.key === "Escape" && document.querySelector(".panel.expanded [data-expand]");
    if (wide) expand(wide);
    if (event.key === "Enter" && event.target.matches && event.target.matches(".run input")) {
      event.preventDefault();
      run(false);
    }
  });
})();
