// The first page's figure: the paper's model at the paper's four sizes, under two metrics of the
// same outputs. Everything is computed here; tests/book/test_hero.py compares it with
// mirage.theory and mirage.emergence. Nothing is requested, and other pages load nothing more.
(() => {
  const SIZES = [3.5e8, 1.3e9, 6.7e9, 2e11]; // of the paper's Figure 2
  const DENSE = Array.from({ length: 201 }, (_, i) => 10 ** (8 + i / 50)); // 1e8 to 1e12
  const LOW = 1e8, HIGH = 1e12;
  const BEGIN = 0.05; // share of the rise at which it begins, as in mirage.emergence.dormancy
  const SVG = "http://www.w3.org/2000/svg";

  const probability = (n) => Math.exp(-((n / 2e9) ** -0.5));

  // Each metric as a function of the token probability p, and as n test items show it: a mean of
  // whole items, and for edit distance a mean of whole tokens. Higher is better in all of them.
  const METRICS = {
    accuracy: {
      name: "accuracy", title: "Accuracy", unit: "",
      expected: (p, L) => p ** L,
      observed: (p, L, n) => Math.round(p ** L * n) / n,
      bottom: () => 0, top: 1,
    },
    distance: {
      name: "−token edit distance", title: "Edit distance", unit: "tokens",
      expected: (p, L) => -L * (1 - p),
      observed: (p, L, n) => -Math.round(L * (1 - p) * n) / n,
      bottom: (L) => -L, top: 0,
    },
    grade: {
      name: "multiple choice grade", title: "Choice grade", unit: "",
      expected: (p) => (p > 0.5 ? 1 : 0.5),
      observed: (p, L, n) => Math.round((p > 0.5 ? 1 : 0.5) * n) / n,
      bottom: () => 0, top: 1,
    },
    brier: {
      name: "−Brier score", title: "Brier score", unit: "",
      expected: (p) => -((1 - p) ** 2),
      observed: (p) => -((1 - p) ** 2), // a mean of real numbers: items do not round it
      bottom: () => -1, top: 0,
    },
  };
  const PAIRS = { answers: ["accuracy", "distance"], choices: ["grade", "brier"] };

  function median(values) {
    const sorted = [...values].sort((a, b) => a - b);
    const half = sorted.length >> 1;
    return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }

  // mirage.emergence.emergence_score of a rising curve: range over root median square of steps.
  function emergenceScore(y) {
    const range = Math.max(...y) - Math.min(...y);
    const steps = y.slice(1).map((value, i) => (value - y[i]) ** 2);
    return range === 0 ? 0 : range / Math.sqrt(median(steps));
  }

  // mirage.emergence.dormancy of a rising curve: share of the log sizes before 5 % of its rise.
  function dormantShare(y) {
    const u = SIZES.map((n) => Math.log(n / SIZES[0]) / Math.log(SIZES.at(-1) / SIZES[0]));
    const rise = y.at(-1) - y[0];
    if (rise <= 0) return NaN;
    const z = y.map((value) => (value - y[0]) / rise);
    const i = z.findIndex((value) => value >= BEGIN);
    return u[i - 1] + ((BEGIN - z[i - 1]) / (z[i] - z[i - 1])) * (u[i] - u[i - 1]);
  }

  const short = (n) => (n >= 1e9 ? `${n / 1e9} billion` : `${n / 1e6} million`);
  function digits(value) {
    if (!Number.isFinite(value)) return "∞";
    return value < 999.5 ? value.toPrecision(3) : String(Math.round(value));
  }
  const percent = (share) => (Number.isNaN(share) ? "no rise" : `${(100 * share).toFixed(1)} %`);

  function mark(parent, name, attributes, text) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    parent.append(element);
    return element;
  }

  // From the top down in steps of 1, 2 or 5 tokens, or of a quarter where the whole span is one.
  function ticks(bottom, top) {
    const step = [0.25, 1, 2, 5].find((size) => (top - bottom) / size <= 5);
    const n = Math.floor((top - bottom) / step);
    return Array.from({ length: n + 1 }, (_, i) => top - i * step);
  }

  function drawAxes(svg, box, x, y, metric, bottom) {
    for (const value of ticks(bottom, metric.top)) {
      mark(svg, "line", { class: "grid", x1: box.left, x2: box.right, y1: y(value), y2: y(value) });
      const text = String(value).replace("-", "−");
      mark(svg, "text", { x: box.left - 6, y: y(value) + 4, "text-anchor": "end" }, text);
    }
    for (const [n, text] of [[1e8, "100M"], [1e9, "1B"], [1e10, "10B"], [1e11, "100B"]]) {
      mark(svg, "line", { class: "tick", x1: x(n), x2: x(n), y1: box.bottom, y2: box.bottom + 4 });
      mark(svg, "text", { x: x(n), y: box.bottom + 17, "text-anchor": "middle" }, text);
    }
    mark(svg, "line", { class: "tick", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom });
    const middle = (box.left + box.right) / 2;
    mark(svg, "text", { x: middle, y: box.bottom + 33, "text-anchor": "middle" }, "parameters");
  }

  function drawPanel(panel, metric, L, n) {
    const svg = panel.querySelector("svg");
    const width = panel.clientWidth, height = svg.clientHeight;
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`); // so that 12 px of text are 12 px
    svg.replaceChildren();
    const box = { left: 40, right: width - 8, top: 8, bottom: height - 38 };
    const bottom = metric.bottom(L);
    const scale = (box.right - box.left) / Math.log(HIGH / LOW);
    const x = (size) => box.left + Math.log(size / LOW) * scale;
    const y = (value) =>
      box.bottom - ((value - bottom) / (metric.top - bottom)) * (box.bottom - box.top);

    const seen = SIZES.map((size) => metric.observed(probability(size), L, n));
    const share = dormantShare(seen), score = emergenceScore(seen);
    if (share > 0) {
      const end = SIZES[0] * (SIZES.at(-1) / SIZES[0]) ** share;
      const shape = { x: x(SIZES[0]), width: x(end) - x(SIZES[0]), y: box.top };
      mark(svg, "rect", { class: "dormant", ...shape, height: box.bottom - box.top });
      if (shape.width > 66) {
        mark(svg, "text", { x: shape.x + 5, y: box.top + 15 }, "dormant");
      }
    }
    drawAxes(svg, box, x, y, metric, bottom);
    const points = DENSE.map((size) => `${x(size)},${y(metric.expected(probability(size), L))}`);
    mark(svg, "polyline", { class: "curve", points: points.join(" ") });
    SIZES.forEach((size, i) => {
      const none = seen[i] === 0 && metric.top === 1;
      const [cx, cy] = [x(size), y(seen[i])];
      if (none) mark(svg, "path", { class: "none", d: `M${cx - 6},${cy - 7}h12l-6,11z` });
      else mark(svg, "circle", { class: "model", cx, cy, r: 5 });
    });

    panel.querySelector(".score").textContent = digits(score);
    panel.querySelector(".share").textContent = percent(share);
    const [first, last] = [seen[0], seen.at(-1)].map((value) => String(+value.toPrecision(3)));
    const text = `${metric.name} against the number of parameters: ${first} at ${short(SIZES[0])},`;
    const rest = ` ${last} at ${short(SIZES.at(-1))}; dormant share ${percent(share)}.`;
    svg.setAttribute("aria-label", (text + rest).replaceAll("-", "−"));
    return share;
  }

  function start() {
    const hero = document.querySelector(".mirage-hero");
    if (!hero) return;
    const form = hero.querySelector("form");
    const panels = [...hero.querySelectorAll(".hero-panel")];

    function redraw() {
      const L = Number(form.elements.length_.value);
      const n = Math.round(10 ** Number(form.elements.log10_n_items.value));
      const pair = PAIRS[form.elements.pair.value].map((name) => METRICS[name]);
      form.elements.length_.disabled = form.elements.pair.value === "choices";
      const lengthText = `${L} ${L === 1 ? "token" : "tokens"}`;
      const itemsText = n.toLocaleString("en");
      const { length_, log10_n_items } = form.elements;
      for (const [input, text] of [[length_, lengthText], [log10_n_items, itemsText]]) {
        input.setAttribute("aria-valuetext", text);
        input.parentElement.querySelector("output").textContent = text;
      }
      const shares = panels.map((panel, i) => drawPanel(panel, pair[i], L, n));
      // As the titles of Figure 2's panels: a metric jumps if its rise begins after its partner's.
      const jumps = shares[0] > shares[1] + 0.01;
      const messages = jumps ? [" jumps", " does not"] : [" does not jump", " does not, either"];
      panels.forEach((panel, i) => {
        const unit = pair[i].unit && ` (${pair[i].unit})`;
        panel.querySelector(".hero-title").textContent = pair[i].title + messages[i];
        panel.querySelector(".hero-axis").textContent = pair[i].name + unit;
      });
    }

    form.addEventListener("input", redraw);
    form.addEventListener("reset", () => setTimeout(redraw)); // after the values have changed
    form.addEventListener("submit", (event) => event.preventDefault());
    new ResizeObserver(redraw).observe(hero);
    hero.classList.add("ready");
    redraw();
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
