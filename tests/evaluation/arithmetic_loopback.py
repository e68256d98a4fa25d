"""An OpenAI-compatible server on loopback that can be told to misbehave."""

import json
import re
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOG_P = -0.25  # of every token: a power of 2, so that sums are exact


def answer(body: dict) -> str:
    """Multiply or add; wrong now and then, and more often at temperature 1."""
    prompt = body.get("prompt") or body["messages"][0]["content"]
    a, word, b = re.findall(r"(\d+) (times|plus) (\d+)\?", prompt)[-1]
    right = int(a) * int(b) if word == "times" else int(a) + int(b)
    wrong = (int(a) + int(b)) % 3 == 0 or (body["temperature"] > 0 and body["seed"] % 2)
    return f" {right + 1 if wrong else right}\n\nQ: What is"


def complete(body: dict) -> dict:
    """Answer as /v1/completions does; a token is a character."""
    if not body.get("echo"):
        return {"choices": [{"index": 0, "text": answer(body), "finish_reason": "length"}]}
    tokens = ["<s>", *body["prompt"], "\n"]
    log_probs = [None, *[LOG_P] * (len(tokens) - 1)]
    return {
        "choices": [
            {"text": "".join(tokens), "logprobs": {"tokens": tokens, "token_logprobs": log_probs}}
        ]
    }


def chat(body: dict) -> dict:
    """Answer as /v1/chat/completions does."""
    return {"choices": [{"index": 0, "message": {"role": "assistant", "content": answer(body)}}]}


def identity(body: dict) -> str:
    """Tell questions apart."""
    return json.dumps(
        [body.get("prompt", body.get("messages")), body["temperature"], "echo" in body]
    )


class Loopback:
    """A server at ``url`` while the context lasts.

    ``fault(body, n)`` may return (status, headers, bytes) for the n-th time that this question is
    asked (0, 1, …), "hang", "close", "drip" or "flood" for an answer that never ends, or None for a
    good one.
    """

    models = ("toy",)  # that it lists; it has the first

    def __init__(self, fault=lambda body, n: None, complete=complete, key=None, chat=chat):
        self.fault, self.complete, self.key, self.chat = fault, complete, key, chat
        self.asked: Counter[str] = Counter()
        self.times: list[float] = []
        self.in_flight = self.most_in_flight = 0
        self.delay = 0.0
        self.lock, self.end = threading.Lock(), threading.Event()
        self.port = 0

    def __enter__(self):
        loopback = self

        class Handler(_Handler):
            server_of = loopback

        self.server = _Threads(("127.0.0.1", self.port), Handler)
        self.port, self.url = (
            self.server.server_port,
            f"http://127.0.0.1:{self.server.server_port}/v1",
        )
        self.end.clear()
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.end.set()
        self.server.shutdown()
        self.server.server_close()


class _Threads(ThreadingHTTPServer):
    daemon_threads = False  # closing waits for them: none counts, or speaks, in a later test
    request_queue_size = 128  # of 5, the default, a sixth connection at once waits for a second


class _Handler(BaseHTTPRequestHandler):
    server_of: Loopback
    protocol_version = "HTTP/1.0"  # a connection per request: stopping the server cuts all of them

    def do_GET(self):
        models = [{"id": name} for name in self.server_of.models]
        self._send(200, {}, json.dumps({"object": "list", "data": models}).encode())

    def do_POST(self):
        server = self.server_of
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with server.lock:
            n = server.asked[identity(body)]
            server.asked[identity(body)] += 1
            server.times.append(time.monotonic())
            server.in_flight += 1
            server.most_in_flight = max(server.most_in_flight, server.in_flight)
        try:
            time.sleep(server.delay)
            fault = server.fault(body, n)
        finally:  # before the answer goes: with it in hand, the client may ask the next question
            with server.lock:
                server.in_flight -= 1
        self._answer(server, body, fault)

    def _answer(self, server, body, fault):
        if server.key and self.headers["authorization"] != f"Bearer {server.key}":
            wrong = self.headers["authorization"]
            return self._send(401, {}, json.dumps({"error": {"message": f"not {wrong}"}}).encode())
        if body["model"] != "toy":
            return self._send(404, {}, b'{"error": {"message": "no such model"}}')
        if fault == "hang":
            server.end.wait()
        elif fault in ("drip", "flood"):
            self._send(200, {"content-length": 2**40}, b"{")
            part, pause = (b" ", 0.05) if fault == "drip" else (b" " * 2**20, 0.0)
            while not server.end.wait(pause) and not self.close_connection:
                self._write(part)
        elif fault == "close":
            self.connection.close()
        elif fault is not None:
            self._send(*fault)
        else:
            chats = self.path.endswith("chat/completions")
            kind = server.chat if chats else server.complete
            self._send(200, {}, json.dumps(kind(body)).encode())

    def _send(self, status, headers, content):
        try:
            self.send_response(status)
            headers = {"content-type": "application/json", "content-length": len(content)} | headers
            for name, value in headers.items():
                self.send_header(name, str(value))
            self.end_headers()
        except OSError:
            self.close_connection = True  # the client was killed, or did not wait
        self._write(content)

    def _write(self, content):
        try:
            self.wfile.write(content)
        except OSError:
            self.close_connection = True

    def log_message(self, *_):
        """Print nothing."""
