"""What real servers, files and keys do that a specification does not say.

The modes of `REPLIES` were reported of servers that people use; numbers and words are our own.
"""

import base64
import json
import subprocess
import sys
from io import StringIO

import polars as pl
import pytest
from arithmetic_loopback import Loopback, complete
from rich.console import Console
from typer.testing import CliRunner

from mirage.evaluation import results
from mirage.evaluation.cli import app
from mirage.evaluation.journal import opened
from mirage.evaluation.messages import Answer, Request
from mirage.evaluation.protocol import Questions, evaluate
from mirage.evaluation.server import MOST_BYTES, Server
from mirage.evaluation.server_replies import Logprobs, Text, log_likelihood
from mirage.evaluation.urls import leaks, proxy, public_url
from mirage.files import DataError
from mirage.progress import Step, bars

pytest.importorskip("openai", reason="the extra [llm] is not installed")

QUESTIONS = Questions("two-digit-multiplication", n_items=3, temperatures=(0.0,))
KEY = "sk-SECRET/with+signs"


def right(body: dict) -> str:
    prompt = body["messages"][0]["content"]
    a, b = prompt.rpartition("What is ")[2].partition("?")[0].split(" times ")
    return str(int(a) * int(b))


def ask(loopback: Loopback, out, **options) -> pl.DataFrame:
    model = Server(loopback.url, "toy", 1000, "toys", **{"retries": 0, "timeout": 60} | options)
    return evaluate([model], [QUESTIONS], out)


REPLIES = {  # message, why the model stopped, exact match of each item; None: not answered
    "still thinking": ({"content": None, "reasoning_content": "First the tens"}, "length", None),
    "thought of the answer": ({"content": None, "reasoning_content": "so it is {}"}, "stop", 1.0),
    "thoughts in tags": ({"content": "<think>\ntens\n</think>\n\n{}"}, "stop", 1.0),
    "open tag": ({"content": "<think>\nthe tens are"}, "length", None),
    "filtered": ({"content": ""}, "content_filter", None),
    "sentence": ({"content": "The answer is {}."}, "stop", 0.0),
    "bold": ({"content": "**{}**"}, "stop", 0.0),
    "nothing": ({"content": ""}, "stop", 0.0),
    "no text": ({"content": None}, "stop", None),
}


@pytest.mark.parametrize("mode", REPLIES)
def test_no_answer_is_not_a_wrong_answer(mode, tmp_path):
    message, why, expected = REPLIES[mode]

    def chat(body):
        filled = {k: v and v.format(right(body)) for k, v in message.items()}
        return {"choices": [{"message": {"role": "assistant"} | filled, "finish_reason": why}]}

    with Loopback(chat=chat) as loopback:
        table = ask(loopback, tmp_path / "a.parquet", chat=True)
    assert table["exact_match"].to_list() == [expected] * 3
    assert (table["error"].is_not_null() == (expected is None)).all()
    if why == "length":
        assert "max_tokens = 12; allow more with --max-tokens" in table["error"][0]
    assert results.wordy(table) == ({"toy": 3} if mode in ("sentence", "bold") else {})


def test_the_right_number_in_full_width_digits_is_counted_as_wordy():
    row = {"model": "m", "exact_match": 0.0, "completion": "４２７５", "target": "4275"}
    rows = [row, row | {"completion": "42751"}, row | {"completion": "14275"}]
    assert results.wordy(pl.DataFrame([*rows, row | {"completion": "4,275 or so"}])) == {"m": 2}


LOG_PS = {  # of the three characters of the target, and the reason why it is blank
    "clamped": ([-0.25, -9999.0, -0.25], "the model gives the target the probability 0"),
    "positive": ([-0.25, 0.7, -0.25], "the server gives a log-probability of 0.7"),
    "none": ([-0.25, None, -0.25], "the server gives no log-probability of the target"),
    "honest": ([-0.25, -900.0, -0.25], None),
}


@pytest.mark.parametrize("mode", LOG_PS)
def test_log_probabilities_that_no_model_has(mode):
    values, reason = LOG_PS[mode]
    back = Text("", Logprobs([*"3*4=", *"12.", "\n"], [None, -0.5, -0.5, -0.5, *values, -1.0]))
    answer = log_likelihood(Request("key", "3*4=", "12.", None, 0, 1), back)
    assert answer.reason == reason
    assert (answer.log_likelihood is None) == (reason is not None)


def test_log_probabilities_that_are_all_zero():
    back = Text("", Logprobs([*"3*4=", *"12"], [None, *[0.0] * 5]))
    answer = log_likelihood(Request("key", "3*4=", "12", None, 0, 1), back)
    assert answer.reason == "the server gives 0 as the log-probability of each token"


def test_minus_infinity_has_one_reason_and_is_asked_once(tmp_path):
    def fault(body, n):
        if "echo" in body:
            return 200, {}, json.dumps(complete(body)).replace("-0.25", "-Infinity").encode()

    with Loopback(fault) as loopback:
        table = ask(loopback, tmp_path / "a.parquet", retries=3)
        assert table["reason"].unique().to_list() == [
            "the server gives no log-probability of the target"
        ]
        assert all(n == 1 for n in loopback.asked.values())


STRANGE = {
    "bad UTF-8": (200, {}, b'{"choices":[{"text":" 12\xff\xfe34"}]}'),
    "deep": (200, {}, b"[" * 200_000),
    "huge number": (200, {}, b'{"choices":[{"text":"1"}],"x":1' + b"0" * 400 + b"}"),
    "null": (200, {}, b"null"),
    "text is null": (200, {}, b'{"choices":[{"text":null}]}'),
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_answer_is_an_error_of_its_item_alone(name, tmp_path):
    first = []

    def fault(body, n):
        if "echo" not in body and (not first or body["prompt"] == first[0]):
            first[:] = [body["prompt"]]
            return STRANGE[name]

    with Loopback(fault) as loopback:
        table = ask(loopback, tmp_path / "a.parquet", concurrency=1)
    assert table["completion"][1:].is_not_null().all()
    assert table["error"][1:].is_null().all()


@pytest.mark.parametrize("name", ["drip", "flood"])
def test_an_answer_that_never_ends_is_given_up(name, tmp_path, monkeypatch):
    monkeypatch.setattr("mirage.evaluation.server.MOST_BYTES", 2**22)
    assert MOST_BYTES > 2**22
    with Loopback(lambda body, n: name) as loopback:
        table = ask(loopback, tmp_path / "a.parquet", timeout=1, give_up=99)
    assert table["error"].is_not_null().all()  # without a limit it would go on for ever


def test_markup_and_control_characters_reach_no_terminal():
    screen = StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    with bars(console) as show:
        show(Step("a [/family]", 1, 2, "[/INST] 5 [bold]", 1.0))  # drawn once more at the end
    assert "[/INST] 5 [bold]" in screen.getvalue()
    assert "a [/family]" in screen.getvalue()


def run(*arguments, env=None):
    task = ["evaluate", "--task", "two-digit-multiplication", "--items", "2"]
    return CliRunner().invoke(app, [*task, *arguments], env=env)


def test_names_with_markup_are_shown_as_they_are(tmp_path):
    name = "[/x] model[v1]"
    with Loopback() as loopback:
        loopback.fault = lambda body, n: (200, {}, json.dumps(complete(body)).encode())
        options = ["--server", loopback.url, "--model", name, "--params", f"{name}=1M"]
        _Anything.patch(loopback)
        ran = run(*options, "--out", str(tmp_path / "a.parquet"), env={"COLUMNS": "200"})
    assert ran.exit_code == 0, ran.output
    assert name in ran.output


class _Anything:
    """Let a loopback server answer for a model of any name."""

    @staticmethod
    def patch(loopback):
        handler = loopback.server.RequestHandlerClass
        answer = handler._answer

        def any_name(self, server, body, fault):
            answer(self, server, body | {"model": "toy"}, fault)

        handler._answer = any_name


# --- keys ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["sk-SECRET\x07x", "sk-SÉCRET", "sk SECRET"])
def test_a_key_that_no_header_carries_is_refused_and_not_quoted(key, tmp_path):
    options = ["--server", "http://127.0.0.1:9/v1", "--model", "toy", "--params", "toy=1M"]
    out = tmp_path / "a.parquet"
    ran = run(*options, "--out", str(out), env={"OPENAI_API_KEY": key})
    assert ran.exit_code == 2
    assert "CRET" not in ran.output
    assert not list(tmp_path.iterdir())


def test_a_line_break_after_the_key_is_no_part_of_it(tmp_path):
    with Loopback(key=KEY) as loopback:
        options = ["--server", loopback.url, "--model", "toy", "--params", "toy=1M"]
        env = {"OPENAI_API_KEY": f"{KEY}\r\n"}
        ran = run(*options, "--out", str(tmp_path / "a.parquet"), env=env)
    assert ran.exit_code == 0, ran.output


FORMS = {
    "plain": KEY,
    "in a URL": KEY.replace("/", "%2F").replace("+", "%2B"),
    "in base 64": base64.b64encode(KEY.encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("before", [0, 270, 290, 298])  # the text of an error is cut at 300
def test_no_form_of_the_key_is_stored(form, before, tmp_path):
    body = ("x" * before + f" Bearer {FORMS[form]} ").encode()
    with Loopback(lambda *_: (500, {"retry-after-ms": "1"}, body)) as loopback:
        ask(loopback, tmp_path / "a.parquet", api_key=KEY, give_up=99)
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    errors = pl.read_parquet(tmp_path / "a.parquet")["error"].to_list()
    for part in ("SECRET", FORMS[form][:12]):
        assert part.encode() not in stored
        assert not any(part in error for error in errors)


def test_a_password_in_the_url_is_not_stored(tmp_path):
    with Loopback() as loopback:
        url = loopback.url.replace("http://", "http://me:hunter2@") + "?api-key=hunter3"
        assert public_url(url) == loopback.url
        model = Server(url, "toy", 1000)
    assert "hunter" not in model.family + model.identity


def test_plain_http_to_another_machine_is_said(tmp_path):
    assert leaks("http://192.0.2.1/v1")
    options = ["--server", "http://192.0.2.1:1/v1", "--model", "toy"]  # no size: nothing is asked
    ran = run(*options, env={"OPENAI_API_KEY": KEY})
    assert "plain HTTP" in ran.output
    assert KEY not in ran.output


def test_the_proxy_of_the_environment_is_used_but_not_for_this_machine(tmp_path, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        for one in (name, name.lower()):
            monkeypatch.delenv(one, raising=False)
    assert proxy("http://example.invalid/v1") is None
    with Loopback() as loopback:
        address = loopback.url.removesuffix("/v1")
        monkeypatch.setenv("http_proxy", address.removeprefix("http://"))
        assert proxy("http://example.invalid/v1") == address
        assert proxy(loopback.url) is None
        assert proxy("https://example.invalid/v1") is None
        monkeypatch.setenv("no_proxy", "example.invalid")
        assert proxy("http://example.invalid/v1") is None
        monkeypatch.delenv("no_proxy")
        # Asked of a host that does not exist, the proxy answers.
        model = Server("http://example.invalid/v1", "toy", 1000, "toys", retries=0)
        table = evaluate([model], [QUESTIONS], tmp_path / "a.parquet")
    assert table["error"].is_null().all()


# --- files ---------------------------------------------------------------------------------------


@pytest.fixture
def journal(tmp_path):
    path = tmp_path / "a.jsonl"
    with opened(path) as file:
        for i in range(3):
            file.record(Answer(f"item {i}", completion=f" {i}27é", log_likelihood=-1.5))
    return path


def test_a_flipped_bit_is_named_and_asked_again_never_scored(journal, caplog):
    content = journal.read_bytes()
    with opened(journal) as file:
        whole = dict(file.answers)
    for place in range(0, len(content), 3):
        for bit in (0, 3, 7):
            changed = bytearray(content)
            changed[place] ^= 1 << bit
            journal.write_bytes(changed)
            with opened(journal) as file:
                assert all(whole.get(key) == answer for key, answer in file.answers.items())
                assert len(file.answers) >= 1
    assert "its checksum is wrong" in caplog.text


def test_lines_of_older_versions_are_read(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"key":"a","completion":" 6"}\n', encoding="utf-8")
    with opened(path) as file:
        assert file.answers["a"].completion == " 6"


@pytest.mark.parametrize("foreign", [b'{"q":1}\n{"q":2}', b"not JSON", b"\xff\xfe\n", b"[" * 9999])
def test_a_foreign_file_is_never_changed(foreign, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(foreign)
    with pytest.raises(DataError, match="left alone"), opened(path):
        pass
    assert path.read_bytes() == foreign


@pytest.mark.parametrize("name", ["a.parquet", "a-scores.parquet"])
@pytest.mark.parametrize("content", [b"mine", None])
def test_foreign_tables_are_refused_before_anything_is_asked(name, content, tmp_path):
    path = tmp_path / name
    if content is None:
        pl.DataFrame({"mine": [1]}).write_parquet(path)
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with Loopback() as loopback:
        options = ["--server", loopback.url, "--model", "toy", "--params", "toy=1M"]
        ran = run(*options, "--out", str(tmp_path / "a.parquet"))
        assert loopback.asked.total() == 0
    assert "left alone" in str(ran.exception)
    assert path.read_bytes() == before


def test_the_journals_ending_is_refused_before_anything_is_asked(tmp_path):
    with Loopback() as loopback:
        options = ["--server", loopback.url, "--model", "toy", "--params", "toy=1M"]
        ran = run(*options, "--out", str(tmp_path / "a.jsonl"))
        assert loopback.asked.total() == 0
    assert "expected another ending" in str(ran.exception)


def test_a_full_disk_is_one_line(tmp_path):
    source = """
import resource, signal, sys
from pathlib import Path
from mirage.evaluation.journal import opened
from mirage.evaluation.messages import Answer
from mirage.files import DiskError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    with opened(Path(sys.argv[1])) as journal:
        for i in range(1000):
            journal.record(Answer(f"item {i}", completion="x" * 100))
except DiskError as error:
    print(error)
"""
    command = [sys.executable, "-c", source, str(tmp_path / "a.jsonl")]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("cannot write")
    assert "Traceback" not in ran.stderr
