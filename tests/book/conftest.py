"""A browser and a server of the built book, once for all tests."""

import os
import shutil
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from browser import PATIENCE
from html_pages import HTML

# Containers have no sandbox of their own; the rest keeps Chromium from looking for Google's hosts,
# and a page from any host but this machine.
FLAGS = [
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        """Keep the requests out of the test report."""


class Site(ThreadingHTTPServer):
    request_queue_size = 128  # of 5, the default, a sixth connection at once waits for a second

    def handle_error(self, *args):
        """Say nothing where a page was left while it loaded: a later test may read the screen."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*args)


@pytest.fixture(scope="session")
def chromium():
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        message = f"no browser: looked for {', '.join(names)} on the path"
        if os.environ.get("CI"):
            pytest.fail(f"{message}; CI must have one")
        pytest.skip(f"{message}; install Debian's chromium")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS, timeout=PATIENCE)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site():
    with Site(("127.0.0.1", 0), partial(Quiet, directory=HTML)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()
