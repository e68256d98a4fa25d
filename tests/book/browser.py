"""Headless Chromium on pages of the built book, for the tests that look at them."""

import re
from contextlib import contextmanager

DESK = {"width": 1280, "height": 900}
PHONE = {"width": 375, "height": 667}
PATIENCE = 120_000  # ms; only a fault reaches it


@contextmanager
def visit(browser, address, viewport=DESK, mode="light"):
    """Open a page; whatever is not the book's own is blocked, and any complaint fails the test."""
    origin = re.match(r"\w+://[^/]*", address)[0]
    context = browser.new_context(viewport=viewport, color_scheme=mode)
    context.set_default_timeout(PATIENCE)
    # A report in a sandboxed frame has no storage.
    theme = f"if (self === top) localStorage.mode = localStorage.theme = '{mode}'"
    context.add_init_script(theme)
    page = context.new_page()
    faults = []

    def check(route):
        if route.request.url.startswith(origin):
            route.continue_()
        else:
            faults.append(f"request to elsewhere: {route.request.url}")
            route.abort()

    page.route(re.compile("^(http|file|ws)"), check)
    page.on("console", lambda m: m.type == "error" and faults.append(f"console: {m.text}"))
    page.on("pageerror", lambda error: faults.append(f"uncaught: {error}"))
    # A page that is left while a frame of it loads has done nothing wrong.
    page.on(
        "requestfailed",
        lambda r: r.failure != "net::ERR_ABORTED" and faults.append(f"failed: {r.url}"),
    )
    page.on("response", lambda r: r.status >= 400 and faults.append(f"{r.status}: {r.url}"))
    try:
        page.goto(address, wait_until="networkidle")
        page.wait_for_load_state("load")  # on a busy machine the network idles while it parses
        yield page
        assert not faults, faults
    finally:
        context.close()
