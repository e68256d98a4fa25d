// Draws every .mirage-vega figure (see mirage/book/interactive.py) with the bundle beside this script.
// Nothing is requested from elsewhere, and pages without such a figure load nothing.
(() => {
  const bundle = new URL("vega-bundle.js", document.currentScript.src).href;
  window.mirageViews = []; // the live Vega views, for tests and for the console

  const loadBundle = () =>
    new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = bundle;
      script.onload = resolve;
      script.onerror = () => reject(new Error(`could not load ${bundle}`));
      document.head.append(script);
    });

  // Panels share the width: as many beside each other as the figure has, two, or on a phone one.
  function layOut(spec, width) {
    const axis = 30, edge = 12; // left of the first panel, right of the last one
    const columns = Math.min(spec.columns, width >= 600 ? 3 : width >= 400 ? 2 : 1);
    const frames = width - axis - edge - spec.spacing.column * (columns - 1);
    const panel = Math.floor(frames / columns);
    return { ...spec, columns, concat: spec.concat.map((p) => ({ ...p, width: panel })) };
  }

  function readable(words, name, value) {
    if (words?.[name]) return words[name][value];
    if (!name.startsWith("log10_")) return String(value).replace("-", "−");
    const number = 10 ** value;
    if (number < 1e7) return Math.round(number).toLocaleString("en");
    const [digits, exponent] = number.toExponential(1).split("e+");
    return `${digits} × 10${[...exponent].map((d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]).join("")}`;
  }

  // Each slider says its value in words, to the eye and to a screen reader.
  function labelSliders(form, view, words) {
    for (const input of form.querySelectorAll("input[type=range]")) {
      const output = input.parentElement.lastElementChild; // Vega's own bare number
      const show = () => {
        output.textContent = readable(words, input.name, view.signal(input.name));
        input.setAttribute("aria-valuetext", output.textContent);
      };
      view.addSignalListener(input.name, () => setTimeout(show)); // after Vega has written
      show();
    }
  }

  function addReset(form, view, defaults) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "reset";
    button.onclick = () => {
      for (const { name, value } of defaults) view.signal(name, value);
      view.runAsync();
    };
    form.append(button);
  }

  // The sentence that the figure writes of itself: in a line of its own, aloud when it changes.
  function addReadout(canvas) {
    const line = document.createElement("p");
    line.className = "mirage-vega-readout";
    line.setAttribute("aria-live", "polite");
    canvas.before(line);
    const show = () => {
      const text = canvas.querySelector("[class*=readout] text")?.textContent ?? "";
      if (line.textContent !== text) line.textContent = text;
      line.hidden = !text;
    };
    new MutationObserver(show).observe(canvas, { childList: true, subtree: true, characterData: true });
    show();
  }

  async function draw(figure) {
    const spec = JSON.parse(figure.querySelector("script").textContent);
    const form = document.createElement("form");
    const canvas = document.createElement("div");
    form.className = "mirage-vega-sliders";
    canvas.className = "mirage-vega-panels";
    figure.append(form, canvas);
    addReadout(canvas);
    let drawn = null;

    async function redraw() {
      const width = canvas.clientWidth;
      if (width === 0 || width === drawn?.width) return;
      const values = (p) => ({ ...p, value: drawn ? drawn.view.signal(p.name) : p.value });
      const params = spec.params.map(values);
      drawn?.view.finalize();
      form.replaceChildren();
      const { view } = await vegaEmbed(canvas, layOut({ ...spec, params }, width), {
        mode: "vega-lite",
        renderer: "svg",
        actions: false,
        defaultStyle: false,
        bind: form,
      });
      labelSliders(form, view, spec.usermeta?.words);
      addReset(form, view, spec.params);
      window.mirageViews = window.mirageViews.filter((v) => v !== drawn?.view).concat(view);
      drawn = { view, width };
    }

    let queue = redraw();
    await queue;
    new ResizeObserver(() => (queue = queue.then(redraw))).observe(canvas);
  }

  async function start() {
    const figures = document.querySelectorAll(".mirage-vega");
    if (figures.length === 0) return;
    try {
      await loadBundle();
      for (const figure of figures) await draw(figure);
    } catch (error) {
      console.error(error);
      for (const figure of figures) figure.append(`This figure could not be drawn: ${error.message}.`);
    }
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
