/* The report's table and cards. Text from logs goes through textContent alone, never through markup. */
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const PAGE = 100; // rows of the table at once
  const PRINTED = 20; // cards that a printed report opens
  const state = { verdicts: new Set(), text: "", family: "", sort: "rank", down: false, page: 0, open: new Set() };
  const NS = "http://www.w3.org/2000/svg";

  const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return node;
  };
  const draw = (tag, attributes = {}, text) => {
    const node = document.createElementNS(NS, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const missing = (value) => value === null || value === undefined;
  const number = (value, digits = 3) => {
    if (missing(value)) return "";
    if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6)) return value.toExponential(1).replace("-", "−");
    return String(Number(value.toPrecision(digits))).replace("-", "−");
  };
  const size = (value) => {
    for (const [unit, scale] of [["T", 1e12], ["B", 1e9], ["M", 1e6], ["k", 1e3]])
      if (value >= scale && value < 1e15) return number(value / scale, 2) + unit;
    return number(value, 2);
  };
  const nameOf = (verdict) => data.names[verdict] ?? verdict;

  // --- one curve ------------------------------------------------------------------------------
  const logTicks = (low, high) => {
    const found = [];
    for (let power = Math.ceil(low - 1e-9); power <= high + 1e-9; power++) found.push(power);
    if (found.length > 5) return found.filter((_, i) => i % Math.ceil(found.length / 5) === 0);
    return found.length > 1 ? found : [low, high];
  };
  const niceTicks = (low, high) => {
    const raw = (high - low) / 4 || 1;
    const unit = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((m) => m * unit).find((s) => s >= raw);
    const found = [];
    for (let tick = Math.ceil(low / step) * step; tick <= high + step * 1e-6; tick += step) found.push(tick);
    return found;
  };
  const frame = (curve, logarithmic) => {
    const points = curve.points;
    const xs = points.map((point) => Math.log10(point.x));
    let ys = points.flatMap((point) => [point.y, point.low, point.high]).filter((y) => !missing(y));
    if (!missing(curve.chance)) ys.push(curve.chance);
    let floor = 0;
    if (logarithmic) {
      const positive = ys.filter((y) => y > 0);
      floor = Math.min(...positive, ...points.map((point) => (point.n ? 0.5 / point.n : Infinity)));
      if (!Number.isFinite(floor)) return null;
      ys = ys.map((y) => Math.log10(Math.max(y, floor)));
    }
    const span = (values) => {
      const low = Math.min(...values), high = Math.max(...values);
      const margin = (high - low || Math.abs(high) || 1) * 0.06;
      return [low - margin, high + margin];
    };
    return { x: span(xs), y: span(ys), value: (y) => (logarithmic ? Math.log10(Math.max(y, floor)) : y) };
  };
  const describe = (curve) => {
    const first = curve.points[0], last = curve.points[curve.points.length - 1];
    const label = curve.label ? `, ${curve.label},` : "";
    return `${curve.metric}${label} of ${curve.points.length} models, from ${number(first.y)} at ${size(first.x)} to ${number(last.y)} at ${size(last.x)}`;
  };
  const plot = (curve, logarithmic) => {
    const W = 300, H = 190, L = 46, R = 8, T = 8, B = 34;
    const svg = draw("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": describe(curve) });
    const box = frame(curve, logarithmic);
    if (!box) return svg;
    const px = (x) => L + ((Math.log10(x) - box.x[0]) / (box.x[1] - box.x[0])) * (W - L - R);
    const py = (y) => H - B - ((box.value(y) - box.y[0]) / (box.y[1] - box.y[0])) * (H - T - B);
    const colour = `var(--${curve.sharp ? "sharp" : "smooth"})`;
    const clip = (y) => Math.min(Math.max(y, T), H - B);
    if (curve.gap) {
      const [a, b] = curve.gap.map(px);
      svg.append(draw("rect", { x: a, y: T, width: b - a, height: H - T - B, fill: "var(--band)" }));
    }
    if (!missing(curve.detectable)) {
      const top = clip(py(curve.detectable)), bottom = clip(py(curve.chance ?? 0));
      if (bottom > top) svg.append(draw("rect", { x: L, y: top, width: W - L - R, height: bottom - top, fill: "var(--band)" }));
    }
    const yTicks = logarithmic ? logTicks(...box.y).map((p) => [p, number(10 ** p, 1)]) : niceTicks(...box.y).map((t) => [t, number(t)]);
    for (const [tick, text] of yTicks) {
      const y = H - B - ((tick - box.y[0]) / (box.y[1] - box.y[0])) * (H - T - B);
      svg.append(draw("line", { x1: L, x2: W - R, y1: y, y2: y, class: "grid" }));
      svg.append(draw("text", { x: L - 4, y: y + 4, "text-anchor": "end" }, text));
    }
    for (const tick of logTicks(...box.x)) {
      const x = L + ((tick - box.x[0]) / (box.x[1] - box.x[0])) * (W - L - R);
      svg.append(draw("text", { x, y: H - B + 14, "text-anchor": "middle" }, size(10 ** tick)));
    }
    svg.append(draw("path", { d: `M${L},${T}V${H - B}H${W - R}`, class: "axis" }));
    svg.append(draw("text", { x: (L + W - R) / 2, y: H - 3, "text-anchor": "middle" }, data.x));
    if (!missing(curve.chance)) {
      const y = py(curve.chance);
      svg.append(draw("line", { x1: L, x2: W - R, y1: y, y2: y, stroke: "var(--muted)", "stroke-dasharray": "2 3" }));
    }
    if (curve.trend) {
      const path = curve.trend.map(([x, y], i) => `${i ? "L" : "M"}${px(x).toFixed(1)},${clip(py(y)).toFixed(1)}`).join("");
      svg.append(draw("path", { d: path, fill: "none", stroke: "var(--muted)", "stroke-width": 1.5, "stroke-dasharray": "5 4" }));
    }
    for (const point of curve.points)
      if (!missing(point.low))
        svg.append(draw("line", { x1: px(point.x), x2: px(point.x), y1: clip(py(point.low)), y2: clip(py(point.high)), stroke: colour, "stroke-width": 1.5 }));
    const line = curve.points.map((point, i) => `${i ? "L" : "M"}${px(point.x).toFixed(1)},${py(point.y).toFixed(1)}`).join("");
    svg.append(draw("path", { d: line, fill: "none", stroke: colour, "stroke-width": 1.2, opacity: 0.75 }));
    for (const point of curve.points) {
      const shape = curve.sharp
        ? draw("circle", { cx: px(point.x), cy: py(point.y), r: 3.4, fill: colour })
        : draw("rect", { x: px(point.x) - 3, y: py(point.y) - 3, width: 6, height: 6, fill: colour });
      const n = point.n ? `, n = ${point.n}` : "";
      const ends = missing(point.low) ? "" : ` [${number(point.low)}, ${number(point.high)}]`;
      shape.append(draw("title", {}, `${point.model}: ${number(point.y, 4)}${ends}${n}`));
      svg.append(shape);
    }
    return svg;
  };
  const spark = (curve) => {
    const svg = draw("svg", { viewBox: "0 0 90 26", class: "spark", role: "img", "aria-label": describe(curve) });
    const box = frame(curve, false);
    const at = (point) => [
      3 + ((Math.log10(point.x) - box.x[0]) / (box.x[1] - box.x[0])) * 84,
      23 - ((point.y - box.y[0]) / (box.y[1] - box.y[0])) * 20,
    ];
    const path = curve.points.map((point, i) => (i ? "L" : "M") + at(point).map((v) => v.toFixed(1)).join(",")).join("");
    svg.append(draw("path", { d: path, fill: "none", stroke: `var(--${curve.sharp ? "sharp" : "smooth"})`, "stroke-width": 1.8 }));
    return svg;
  };

  // --- one card -------------------------------------------------------------------------------
  const card = (ability) => {
    const panels = make("div", { class: "panels" });
    let logarithmic = false;
    const fill = () => {
      panels.replaceChildren(
        ...ability.curves.map((curve) =>
          make(
            "figure",
            {},
            make("figcaption", {}, make("span", { class: curve.sharp ? "sharp" : "smooth" }, curve.metric), make("span", { class: "muted" }, curve.label ?? "")),
            plot(curve, logarithmic && curve.points.some((point) => point.y > 0) && curve.points.every((point) => point.y >= 0)),
          ),
        ),
      );
    };
    fill();
    const toggle = make("button", { class: "toggle", type: "button", "aria-pressed": "false" }, "Logarithmic scores");
    toggle.addEventListener("click", () => {
      logarithmic = !logarithmic;
      toggle.setAttribute("aria-pressed", String(logarithmic));
      toggle.textContent = logarithmic ? "Linear scores" : "Logarithmic scores";
      fill();
    });
    const head = ["metric", "dormant share", "rise width", "jump (log odds)", "p of a jump", "smallest detectable jump", "items"];
    const rows = ability.curves.map((curve) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, curve.metric),
        ...[curve.dormant_share, curve.rise_width, curve.jump_height, curve.p_jump, curve.smallest_detectable_jump].map((value) =>
          make("td", { class: "number" }, number(value)),
        ),
        make("td", { class: "number" }, curve.items ?? ""),
      ),
    );
    const numbers = make(
      "div",
      { class: "scroll" },
      make("table", {}, make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, text)))), make("tbody", {}, ...rows)),
    );
    const files = make("details", {}, make("summary", {}, `${ability.files.length} source ${ability.files.length === 1 ? "file" : "files"}`));
    files.append(make("ul", {}, ...ability.files.map((name) => make("li", {}, make("code", {}, name)))));
    return make(
      "div",
      { class: "card" },
      make("p", {}, ability.sentence || ability.note || ""),
      ability.sentence && ability.note ? make("p", { class: "muted" }, ability.note) : null,
      ability.plan ? make("p", { class: "plan" }, ability.plan) : null,
      toggle,
      panels,
      make("p", { class: "legend" }, "Bars: 95 % intervals. Grey band above chance: scores that so few items cannot distinguish from chance. Grey column: gap of the largest jump. Dashed: fitted smooth trend. Dotted: chance." + (ability.curves.some((curve) => curve.label) ? " Rescaled: the value of the logs is drawn as the formula says, so that higher is better." : "")),
      numbers,
      ability.files.length ? files : null,
      self === top ? make("p", {}, make("a", { href: `#${ability.id}` }, "Link to this card")) : null,
    );
  };

  // --- the table ------------------------------------------------------------------------------
  const COLUMNS = [
    ["verdict", "verdict", (a) => data.order.indexOf(a.verdict)],
    ["task", "task", (a) => a.task],
    ["family", "family", (a) => a.family],
    ["curve", null, null],
    ["models", "models", (a) => a.n_models],
    ["dormant", "dormant share", (a) => a.dormant_share],
    ["jump", "p of a jump", (a) => a.p_jump],
    ["sentence", null, null],
  ];
  const shown = () => {
    const words = state.text.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = data.abilities.filter((ability) => {
      if (state.verdicts.size && !state.verdicts.has(ability.verdict)) return false;
      if (state.family && ability.family !== state.family) return false;
      const text = `${ability.family} ${ability.task} ${ability.protocol} ${ability.metric} ${ability.logged}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
    const column = COLUMNS.find(([name]) => name === state.sort);
    if (column) {
      const key = column[2], sign = state.down ? -1 : 1;
      rows.sort((a, b) => {
        const [x, y] = [key(a), key(b)];
        if (missing(x) || missing(y)) return missing(x) - missing(y);
        return (typeof x === "string" ? x.localeCompare(y) : x - y) * sign;
      });
    }
    return rows;
  };
  const body = document.querySelector("table.abilities tbody");
  const pager = document.querySelector(".pager");
  const header = document.querySelector("table.abilities thead tr");
  const drawHeader = () => {
    header.replaceChildren(
      ...COLUMNS.map(([name, title]) => {
        if (!title) return make("th", { scope: "col" }, name === "curve" ? "curve" : "what the data say");
        const sorted = state.sort === name;
        const button = make("button", { type: "button" }, title + (sorted ? (state.down ? " ▼" : " ▲") : ""));
        button.addEventListener("click", () => {
          state.down = sorted && !state.down;
          state.sort = name;
          state.page = 0;
          update();
        });
        return make("th", { scope: "col", "aria-sort": sorted ? (state.down ? "descending" : "ascending") : "none" }, button);
      }),
    );
  };
  const row = (ability) => {
    const open = state.open.has(ability.id);
    // What a link names is the button: browsers give the focus to it.
    const button = make("button", { id: ability.id, type: "button", class: "task", "aria-expanded": String(open) }, ability.task);
    button.addEventListener("click", () => {
      open ? state.open.delete(ability.id) : state.open.add(ability.id);
      update();
      document.getElementById(ability.id)?.focus();
    });
    const headline = ability.curves.find((curve) => curve.metric === ability.metric) ?? ability.curves[0];
    const cells = make(
      "tr",
      { class: open ? "open" : "" },
      make("td", {}, make("span", { class: `verdict v-${ability.verdict || "not-judged"}` }, nameOf(ability.verdict || "not-judged"))),
      make("td", {}, button, ability.protocol ? make("span", { class: "protocol" }, ability.protocol) : null),
      make("td", {}, ability.family),
      make("td", { class: "optional" }, headline ? spark(headline) : ""),
      make("td", { class: "number optional" }, String(ability.n_models)),
      make("td", { class: "number optional" }, number(ability.dormant_share, 2)),
      make("td", { class: "number optional" }, number(ability.p_jump, 2)),
      make("td", { class: "sentence" }, ability.sentence || ability.note || ""),
    );
    return open ? [cells, make("tr", {}, make("td", { colspan: COLUMNS.length }, card(ability)))] : [cells];
  };
  const update = () => {
    const rows = shown(), pages = Math.max(1, Math.ceil(rows.length / PAGE));
    state.page = Math.min(state.page, pages - 1);
    drawHeader();
    body.replaceChildren(...rows.slice(state.page * PAGE, (state.page + 1) * PAGE).flatMap(row));
    const step = (text, by, off) => {
      const button = make("button", { type: "button" }, text);
      button.disabled = off;
      button.addEventListener("click", () => { state.page += by; update(); });
      return button;
    };
    pager.replaceChildren(
      step("Previous", -1, state.page === 0),
      make("span", { role: "status" }, `${rows.length} of ${data.abilities.length} ${data.abilities.length === 1 ? "ability" : "abilities"}, page ${state.page + 1} of ${pages}`),
      step("Next", 1, state.page >= pages - 1),
    );
  };
  for (const chip of document.querySelectorAll(".chip"))
    chip.addEventListener("click", () => {
      const verdict = chip.dataset.verdict;
      state.verdicts.has(verdict) ? state.verdicts.delete(verdict) : state.verdicts.add(verdict);
      chip.setAttribute("aria-pressed", String(state.verdicts.has(verdict)));
      state.page = 0;
      update();
    });
  document.getElementById("search").addEventListener("input", (event) => { state.text = event.target.value; state.page = 0; update(); });
  const families = document.getElementById("family");
  for (const family of [...new Set(data.abilities.map((ability) => ability.family))].sort()) families.append(make("option", { value: family }, family));
  families.addEventListener("change", () => { state.family = families.value; state.page = 0; update(); });
  // report.html#ID opens a card, also where a filter hid it or the page was open before.
  const follow = () => {
    const id = location.hash.slice(1);
    const ability = data.abilities.find((one) => one.id === id);
    if (!ability) return false;
    state.open.add(id);
    if (!shown().includes(ability)) {
      Object.assign(state, { text: "", family: "" });
      state.verdicts.clear();
      document.getElementById("search").value = families.value = "";
      for (const chip of document.querySelectorAll(".chip")) chip.setAttribute("aria-pressed", "false");
    }
    state.page = Math.floor(shown().indexOf(ability) / PAGE);
    update();
    const place = document.getElementById(id);
    place.scrollIntoView();
    place.focus({ preventScroll: true });
    return true;
  };
  window.addEventListener("beforeprint", () => { for (const ability of shown().slice(0, PRINTED)) state.open.add(ability.id); update(); });
  window.addEventListener("hashchange", follow);
  if (!follow()) {
    if (data.abilities.length) state.open.add(data.abilities[0].id);
    update();
  }
})();
