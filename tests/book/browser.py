"""Headless Chromium on pages of the built book, for the tests that look at them."""

import json
import re
from contextlib import contextmanager

DESK = {"width": 1280, "height": 900}
PHONE = {"width": 375, "height": 667}
PATIENCE = 120_000  # ms; only a fault reaches it


@contextmanager
def visit(browser, address, viewport=DESK, mode="light"):
    """Open a page; what it asks for must be the book's own, and any complaint fails the test.

    The browser finds no host but this machine (see `chromium`), so that a request to elsewhere
    leaves nothing but its fault. Tabs of one size and mode share a context, and with it the cache
    of the style sheets and scripts that all pages have.
    """
    origin = re.match(r"\w+://[^/]*", address)[0]
    page = _context(browser, viewport, mode).new_page()
    faults = []

    def check(request):
        url = request.url
        if re.match("http|file|ws", url) and not url.startswith(origin):
            faults.append(f"request to elsewhere: {url}")

    def listen(message):
        if message.type == "error":
            faults.append(f"console: {message.text} ({message.location['url']})")

    page.on("request", check)
    page.on("console", listen)
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
        page.close()


def _context(browser, viewport, mode):
    """The browser's context of one size and mode, made where there is none."""
    key = json.dumps([viewport, mode])
    for context in browser.contexts:
        if getattr(context, "mirage_key", None) == key:
            return context
    context = browser.new_context(viewport=viewport, color_scheme=mode)
    context.mirage_key = key
    context.set_default_timeout(PATIENCE)
    # A report in a sandboxed frame has no storage, nor has a tab before its page.
    theme = "if (self === top && location.protocol !== 'about:') "
    theme += f"localStorage.mode = localStorage.theme = '{mode}'"
    context.add_init_script(theme)
    return context
