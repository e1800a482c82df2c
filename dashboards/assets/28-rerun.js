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
    const answer = await fetch("/rerun", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ href: href, shown: frames.map((frame) => frame.dataset.view) }),
      signal: signal,
    });
    if (!answer.ok) return;
    for await (const said of lines(answer.body.getReader())) {
      if (serial !== app.serial) return;
      app.ahead(serial, said);
    }
  }

  async function* lines(reader) {
    const text = new TextDecoder();
    let rest = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const whole = (rest + text.decode(part.value, { stream: true })).split("\n");
      rest = whole.pop();
      for (const line of whole) yield JSON.parse(line);
    }
  }
})();
