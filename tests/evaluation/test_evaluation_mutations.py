"""Damaged journals, tables and replies: an answer is what it was, or is asked again; no traceback.

MIRAGE_FUZZ is the number of damaged inputs of each kind; CI tries few of them.
"""

import json
import logging
import os
import tempfile
from pathlib import Path

import pytest
from arithmetic_loopback import Loopback, chat, complete
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from mirage.evaluation import results
from mirage.evaluation.journal import opened
from mirage.evaluation.messages import Answer, first_line
from mirage.evaluation.protocol import Questions, evaluate
from mirage.evaluation.server import Server
from mirage.files import DataError

pytest.importorskip("openai", reason="the extra [llm] is not installed")

N = int(os.environ.get("MIRAGE_FUZZ", "40"))
fuzzed = settings(max_examples=N, suppress_health_check=list(HealthCheck))
ANSWERS = [
    Answer("item 0 #00", completion=" 127é", log_likelihood=-1.5),
    Answer("item 1 #01", completion=" 12"),
    Answer("item 2 #02", log_likelihood=-0.25),
    Answer("item 3 #03", error="500: gone"),
    Answer("item 4 #04", reason="the server gives no log-probabilities"),
]


@st.composite
def damaged(draw, content: bytes) -> bytes:
    """Bytes flipped, cut, doubled, moved or put in."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, max(len(content) - 1, 0)))
        end = min(len(content), start + draw(st.integers(1, 60)))
        kind = draw(st.sampled_from(["flip", "cut", "end", "double", "put", "null"]))
        part = content[start:end]
        if kind == "flip" and part:
            part = bytes([part[0] ^ (1 << draw(st.integers(0, 7)))]) + part[1:]
        elif kind == "cut":
            part = b""
        elif kind == "double":
            part += part
        elif kind == "put":
            part = draw(st.binary(min_size=1, max_size=8)) + part
        elif kind == "null":
            part = bytes(len(part))
        content = content[:start] + part + (b"" if kind == "end" else content[end:])
    return content


@pytest.fixture(scope="module")
def journal():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.jsonl")
        with opened(path) as file:
            file.record(*ANSWERS)
        return path.read_bytes()


@fuzzed
@given(st.data())
def test_a_damaged_journal(journal, data):
    content = data.draw(damaged(journal))
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.jsonl")
        path.write_bytes(content)
        refused = None
        try:
            with opened(path) as file:
                known = {answer.key: answer for answer in ANSWERS}
                assert all(known.get(key) == answer for key, answer in file.answers.items())
                file.record(Answer("new", completion="6"))
            with opened(path) as file:
                assert file.answers["new"].completion == "6"
        except DataError as error:
            refused = str(error)
        finally:
            logging.disable(logging.NOTSET)
        assert refused is None or ("left alone" in refused and path.read_bytes() == content)


@pytest.fixture(scope="module")
def table():
    with Loopback() as loopback, tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.parquet")
        return evaluate([model(loopback)], [questions(3)], path), path.read_bytes()


def model(loopback):
    return Server(loopback.url, "toy", 1000, "toys", retries=0)


def questions(n):
    return Questions("two-digit-multiplication", n_items=n, temperatures=(0.0,))


@fuzzed
@given(st.data())
def test_a_damaged_table_of_outcomes(table, data):
    whole, content = table
    content = data.draw(damaged(content))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.parquet")
        path.write_bytes(content)
        try:
            results.check_replaceable(path)
            kept = results.replaced(path, whole.clear())
        except DataError as error:
            kept, refused = None, str(error)
        if kept is None:
            assert "left alone" in refused
            assert path.read_bytes() == content
        else:
            assert_frame_equal(kept, whole)


JUNK = st.sampled_from(
    [None, True, 0, -1, 0.5, 1e300, 10**30, "", "nan", "12", [], {}, [None], {"text": None}]
)


def places(node, path=()):
    yield path
    children = node.items() if isinstance(node, dict) else ()
    children = enumerate(node[:9]) if isinstance(node, list) else children
    for key, value in children:
        yield from places(value, (*path, key))


# Where, as a share of all places, and what stands there then; drawn before the server needs it.
CHANGES = st.lists(st.tuples(st.floats(0, 1), st.none() | st.tuples(JUNK)), min_size=1, max_size=2)


def changed(reply, changes):
    """A reply with something else, or nothing, in one or two places."""
    reply = json.loads(json.dumps(reply))
    for where, junk in changes:
        found = list(places(reply))
        path = found[round(where * (len(found) - 1))]
        if not path:
            return junk and junk[0]
        parent = reply
        for key in path[:-1]:
            parent = parent[key]
        if junk:
            parent[path[-1]] = junk[0]
        else:
            del parent[path[-1]]
    return reply


@pytest.fixture(scope="module")
def server():
    with Loopback() as loopback:
        yield loopback


@settings(fuzzed, max_examples=max(N // 4, 10))
@given(st.booleans(), CHANGES)
def test_a_damaged_reply(server, chats, changes):
    seen = {}

    def change(body):
        good = (chat if chats else complete)(body)
        seen["echo" if body.get("echo") else "text"] = found = changed(good, changes)
        return found

    server.chat = server.complete = change
    with tempfile.TemporaryDirectory() as folder:
        asked = Server(server.url, "toy", 1000, "toys", chat=chats, retries=0, concurrency=1)
        row = evaluate([asked], [questions(1)], Path(folder, "a.parquet")).row(0, named=True)
    if row["error"] is not None:
        assert row["exact_match"] is None
        assert len(row["error"].splitlines()) == 1
    else:  # the text of the reply, and nothing else
        text = said(seen["text"], chats)
        assert row["completion"] == first_line(text)
        assert row["exact_match"] == (row["completion"].strip() == row["target"])
    if row["log_likelihood"] is None:
        assert row["reason"]
    else:
        assert -1000 < row["log_likelihood"] <= 0


def said(reply, chats) -> str:
    choice = reply["choices"][0]
    return (choice["message"].get("content") or "") if chats else choice["text"]
