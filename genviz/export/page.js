"use strict";

// Draws figures in the page that genviz keeps open in headless Chromium. Every function takes one JSON string.
const genviz = {
  // Text is measured while a figure is laid out, so the typeface must be there first.
  ready: Promise.all(
    ["400 16px Inter", "600 16px Inter"].flatMap((font) => ["Az", "Ā", "αΩ"].map((text) => document.fonts.load(font, text))),
  ),

  async svg(spec) {
    await genviz.ready;
    const { figure, width, height, scale } = JSON.parse(spec);
    const config = { plotGlPixelRatio: Math.max(2, scale), staticPlot: true };
    const text = await Plotly.toImage({ ...figure, config }, { format: "svg", width, height, imageDataOnly: true });
    return text.includes("pixelated") ? genviz.enlarged(text, 2 * scale) : text;
  },

  // plotly.js draws a heatmap with one pixel a cell and asks for hard edges; many programs that open SVG and PDF
  // blur it all the same. Enough pixels a cell keep the edges hard everywhere.
  async enlarged(text, density) {
    const tree = new DOMParser().parseFromString(text, "image/svg+xml");
    const small = [...tree.querySelectorAll("image")].filter((image) => image.style.imageRendering === "pixelated");
    for (const element of small) {
      const image = new Image();
      image.src = element.getAttribute("xlink:href") ?? element.getAttribute("href");
      await image.decode();
      const times = (side, pixels) =>
        Math.max(1, Math.min(Math.ceil((density * element.getAttribute(side)) / pixels), Math.floor(4096 / pixels)));
      const canvas = document.createElement("canvas");
      canvas.width = image.naturalWidth * times("width", image.naturalWidth);
      canvas.height = image.naturalHeight * times("height", image.naturalHeight);
      const pen = canvas.getContext("2d");
      pen.imageSmoothingEnabled = false;
      pen.drawImage(image, 0, 0, canvas.width, canvas.height);
      element.setAttributeNS("http://www.w3.org/1999/xlink", "xlink:href", canvas.toDataURL("image/png"));
    }
    return new XMLSerializer().serializeToString(tree);
  },

  async png(spec) {
    const { width, height, scale } = JSON.parse(spec);
    const text = (await genviz.svg(spec)).replace(/<svg\b[^>]*>/, (tag) => `${tag}<style>${genviz.faces()}</style>`);
    const image = new Image();
    image.src = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [Math.round(width * scale), Math.round(height * scale)];
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    URL.revokeObjectURL(image.src);
    return canvas.toDataURL("image/png").split(",")[1];
  },

  // A page of a PDF: the picture alone, or with a title above and a caption below it.
  async sheet(spec) {
    const { page, title, caption, colours } = JSON.parse(spec);
    const sheet = document.createElement("section");
    sheet.className = title || caption ? "sheet worded" : "sheet";
    Object.assign(sheet.style, { width: `${page[0]}px`, height: `${page[1]}px` });
    Object.assign(sheet.style, { background: colours.page, color: colours.text });
    sheet.style.setProperty("--muted", colours.muted);
    if (!genviz.sheets().childElementCount) document.title = title;
    const picture = document.createElement("div");
    picture.className = "picture";
    for (const [tag, text] of [["h1", title], ["div", null], ["p", caption]]) {
      if (text === null) sheet.append(picture);
      else if (text) sheet.append(Object.assign(document.createElement(tag), { textContent: text }));
    }
    sheet.classList.toggle("long", caption.length > 260);
    genviz.sheets().append(sheet);
    const room = picture.getBoundingClientRect();
    return JSON.stringify([room.width, room.height]);
  },

  async hang(spec) {
    const root = new DOMParser().parseFromString(await genviz.svg(spec), "image/svg+xml").documentElement;
    root.style.width = root.style.height = "100%";
    genviz.sheets().lastElementChild.querySelector(".picture").append(document.importNode(root, true));
    return "";
  },

  async clear() {
    genviz.sheets().replaceChildren();
    return "";
  },

  sheets: () => document.getElementById("sheets"),
  faces: () => document.getElementById("typeface").textContent,
};
globalThis.genviz = genviz;
