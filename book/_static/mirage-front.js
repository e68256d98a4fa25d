// Small helps on every page: names for folds, a note beside each term, figures in full size.
(() => {
  // A term's note: on pointer or focus, and gone with Escape (WCAG 1.4.13).
  function showTerms() {
    const terms = window.mirageTerms ?? {};
    const note = document.createElement("div");
    note.className = "mirage-note";
    note.id = "mirage-note";
    note.setAttribute("role", "tooltip");
    note.hidden = true;
    document.body.append(note);
    let open = null, timer = 0;

    function hide() {
      open?.removeAttribute("aria-describedby");
      open = null;
      note.hidden = true;
    }
    function show(link, text) {
      clearTimeout(timer);
      hide();
      open = link;
      note.textContent = text;
      note.hidden = false;
      link.setAttribute("aria-describedby", note.id);
      const at = link.getClientRects()[0];
      const left = Math.min(at.left, document.documentElement.clientWidth - note.offsetWidth - 8);
      const below = at.bottom + note.offsetHeight + 8 < innerHeight;
      const top = below ? at.bottom + 4 : at.top - note.offsetHeight - 4;
      note.style.left = `${scrollX + Math.max(8, left)}px`; // it scrolls with its term
      note.style.top = `${scrollY + top}px`;
    }
    // Time to move onto the note; while its term has the focus, it stays wherever the pointer goes.
    const later = () => (timer = setTimeout(() => open === document.activeElement || hide(), 150));

    for (const name of document.querySelectorAll("a.reference > .std-term")) {
      const link = name.parentElement;
      const text = terms[link.hash.slice(1)];
      if (!text) continue;
      link.classList.add("mirage-term");
      link.addEventListener("pointerenter", (e) => e.pointerType !== "touch" && show(link, text));
      link.addEventListener("pointerleave", later);
      link.addEventListener("focus", () => show(link, text));
      link.addEventListener("blur", hide);
    }
    note.addEventListener("pointerenter", () => clearTimeout(timer));
    note.addEventListener("pointerleave", later);
    addEventListener("keydown", (event) => event.key === "Escape" && hide());
  }

  // A figure in full size: the browser's own dialog keeps the focus, Escape closes it.
  function enlarge(image) {
    const dialog = document.createElement("dialog");
    dialog.className = "mirage-lightbox";
    dialog.setAttribute("aria-label", "Enlarged figure");
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "close";
    const copy = new Image();
    copy.src = image.src;
    copy.alt = image.alt;
    copy.style.setProperty("--width", `${fullWidth(image)}px`);
    const box = document.createElement("div");
    box.className = "mirage-lightbox-picture";
    box.tabIndex = 0; // it scrolls by the arrow keys where the picture is wider than the screen
    box.append(copy);
    dialog.append(close, box);
    close.onclick = () => dialog.close();
    dialog.onclick = (event) => event.target === dialog && dialog.close();
    dialog.onclose = () => {
      dialog.remove();
      image.parentElement.focus();
    };
    document.body.append(dialog);
    dialog.showModal();
    close.focus();
  }

  function openFigures() {
    const figures = ".bd-article figure img, .bd-article .cell_output img";
    for (const image of document.querySelectorAll(figures)) {
      if (image.closest("a, button, .mirage-vega")) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "mirage-enlarge";
      button.title = "enlarge this figure";
      const box = document.createElement("div");
      box.className = "mirage-figure";
      image.replaceWith(box); // the image's text alternative names the button
      box.append(button);
      button.append(image);
      button.onclick = () => enlarge(image);
      const measure = () => box.style.setProperty("--width", `${fullWidth(image)}px`);
      if (image.complete) measure();
      else image.addEventListener("load", measure);
    }
  }

  // The width at which the text of a figure has the size that Matplotlib gave it.
  function fullWidth(image) {
    const inch = image.src.endsWith(".png") ? 110 : 96; // pixels: figure.dpi of paper.mplstyle
    return Math.round((image.naturalWidth * 96) / inch);
  }

  // The theme's folds in the table of contents are an icon only.
  function nameFolds() {
    for (const fold of document.querySelectorAll("summary:has(.toctree-toggle)")) {
      const link = fold.closest("li").querySelector("a");
      fold.setAttribute("aria-label", `pages under ${link.textContent.trim()}`);
    }
  }

  // What is wider than the page scrolls by itself: the keyboard must reach it.
  function reachScrolling() {
    const boxes = ".mirage-figure, .pst-scrollable-table-container, .rows-box, .cell_output, .math, pre, table";
    for (const box of document.querySelectorAll(`.bd-article :is(${boxes})`)) {
      const scrolls = box.scrollWidth > box.clientWidth + 1;
      const overflows = getComputedStyle(box).overflowX === "visible"; // its parent scrolls
      box.classList.toggle("mirage-scrolls", scrolls && !overflows);
      if (scrolls && !overflows) box.tabIndex = 0;
      else if (box.tabIndex === 0 && box.matches("[tabindex]")) box.removeAttribute("tabindex");
    }
  }

  // Browsers print no grounds: the dark theme's pale text would be lost on white paper.
  function printInLight() {
    const root = document.documentElement;
    let theme = root.dataset.theme;
    addEventListener("beforeprint", () => {
      theme = root.dataset.theme;
      root.dataset.theme = "light";
    });
    addEventListener("afterprint", () => (root.dataset.theme = theme));
  }

  function start() {
    printInLight();
    // docutils calls this a list and its entries something else, which is worse than neither.
    document.querySelector(".citation-list")?.removeAttribute("role");
    nameFolds();
    showTerms();
    openFigures();
    reachScrolling();
    addEventListener("load", reachScrolling);
    addEventListener("resize", reachScrolling);
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
