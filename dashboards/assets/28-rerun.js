/* Another run of a page: frames and controls stay where they are, if they still fit. The pictures that are
   seen come first, in one answer, and are drawn as they come; then the page says what else has changed. */
(function () {
  "use strict";
  const app = window.genviz;
  let reading = null;

  app.rerun = async function (href) {
    history.replaceState(null, "", href);
    const serial = app.leave();
    if (reading) reading.abort();
    const stays = document.querySelector("#main [data-panel]") !== null;
    if (stays) {
      reading = new AbortController();
      app.rerunning = true;
      document.getElementById("main").classList.add("rerunning");
      await draw(href, serial, reading.signal).catch(() => undefined); // the page will say what is wrong
    }
    if (serial === app.serial) app.visit(stays);
  };

  async function draw(href, serial, signal) {
    const frames = [...document.querySelectorAll("#main .view:not([hidden])")];
    const asked = { href: href, shown: frames.map((frame) => frame.dataset.view) };
    const answer = await app.post("/rerun", asked, { signal: signal });
    if (!answer.ok) return;
    for await (const said of app.lines(answer)) {
      if (serial !== app.serial) return;
      app.ahead(serial, said);
    }
  }
})();
