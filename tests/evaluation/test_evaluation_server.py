"""Models behind a server: what is asked, every fault on the way, and going on after it.

The server listens on loopback and answers at once; see ``arithmetic_loopback.py``.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import polars as pl
import pytest
from arithmetic_loopback import LOG_P, Loopback, complete
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

from mirage.evaluation import results
from mirage.evaluation.cli import app
from mirage.evaluation.messages import Request, UnknownModelError
from mirage.evaluation.protocol import Questions, evaluate, items
from mirage.evaluation.server import Server
from mirage.evaluation.server_replies import Logprobs, Text, log_likelihood
from mirage.files import MirageError

pytest.importorskip("openai", reason="the extra [llm] is not installed")

QUESTIONS = Questions("two-digit-multiplication", n_items=12)
N_REQUESTS = 12 * 3  # two temperatures and one pass for the log-likelihood
SOON = {"retry-after-ms": "5"}  # what the client waits before it asks again


def model(loopback: Loopback, **options) -> Server:
    return Server(loopback.url, "toy", n_params=1000, family="toys", **options)


def ask(loopback: Loopback, out, **options) -> pl.DataFrame:
    return evaluate([model(loopback, **options)], [QUESTIONS], out)


@pytest.fixture(scope="module")
def port():
    """One port for all servers of these tests: the URL is part of what an answer depends on."""
    with socket.socket() as held:  # else somebody else may be given it while no server listens
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the servers set it, too
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture(scope="module")
def start(port):
    def start_it(*arguments, **options) -> Loopback:
        loopback = Loopback(*arguments, **options)
        loopback.port = port
        return loopback

    return start_it


@pytest.fixture(scope="module")
def undisturbed(start, tmp_path_factory) -> pl.DataFrame:
    with start() as loopback:
        return ask(loopback, tmp_path_factory.mktemp("undisturbed") / "a.parquet")


def test_outcomes_by_hand(undisturbed):
    # Every token has log p = -1/4; " 4275" has five, the blank included.
    rows = undisturbed.filter(temperature=0)
    lengths = rows["target_length"] + 1
    assert rows["log_likelihood"].to_list() == (lengths * LOG_P).to_list()
    assert undisturbed.height == 24
    assert set(undisturbed["temperature"]) == {0.0, 1.0}
    for row in undisturbed.iter_rows(named=True):
        # The server is right, or one too high; what it writes after the answer is cut off.
        surplus = int(row["prediction"]) - int(row["target"])
        assert row["exact_match"] == (surplus == 0)
        assert surplus in (0, 1)
        assert "Q" not in row["completion"]
        assert row["reason"] is row["error"] is None
    assert 0 < rows["exact_match"].sum() < 12
    assert rows["exact_match"].sum() != undisturbed.filter(temperature=1)["exact_match"].sum()


def test_what_is_asked(start, tmp_path):
    bodies = []
    with start(fault=lambda body, n: bodies.append(body)) as loopback:
        ask(loopback, tmp_path / "a.parquet", concurrency=1)
    item = items(QUESTIONS)[0]
    at_0, at_1, scored = bodies[:3]
    assert at_0["prompt"] == at_1["prompt"] == item.prompt
    assert item.prompt.count("Q: What is") == 3  # two solved problems and the question
    assert (at_0["temperature"], at_1["temperature"]) == (0, 1)
    assert at_0["max_tokens"] == 12
    assert at_0["top_p"] == 1
    assert scored["prompt"] == item.prompt + item.target
    assert scored["echo"] is True
    seeds = [body["seed"] for body in bodies if "seed" in body and body["temperature"] == 1]
    assert len(set(seeds)) == 12  # or all items would be sampled with the same noise


FAULTS = {
    "429": (429, SOON, b'{"error": {"message": "slow down"}}'),
    "500": (500, SOON, b"Internal Server Error"),
    "garbage": (200, {}, b'{"choices": [{"te'),
    "no choices": (200, {}, b'{"choices": []}'),
    "not JSON": (200, {"content-type": "text/html"}, b"<html>busy</html>"),
    "cut off": (200, {"content-length": 10_000}, b'{"choices"'),
    "hang": "hang",
    "close": "close",
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_passes_leaves_no_trace(name, start, undisturbed, tmp_path):
    broken = {item.prompt for item in items(QUESTIONS)[2:4]}

    def fault(body, n):
        return FAULTS[name] if body["prompt"] in broken and n == 0 else None

    with start(fault) as loopback:
        # Soon given up is only what hangs: a busy machine may take seconds for a good answer.
        table = ask(loopback, tmp_path / "a.parquet", timeout=5.0 if name == "hang" else 60.0)
    again = sum(loopback.asked.values()) - N_REQUESTS
    # 2 items at 2 temperatures, once more. A good answer that takes 5 s is asked again, too.
    assert again >= 4 if name == "hang" else again == 4
    assert_frame_equal(table, undisturbed)


def test_a_fault_that_stays_is_an_error_of_its_item_alone(start, undisturbed, tmp_path):
    broken = items(QUESTIONS)[5].prompt

    def fault(body, n):
        return FAULTS["500"] if body["prompt"] == broken else None

    out = tmp_path / "a.parquet"
    with start(fault) as loopback:
        table = ask(loopback, out, retries=1)
        assert loopback.asked.most_common(3)[2][1] == 1  # only the two of item 5 were asked twice
    failed = table.filter(pl.col("error").is_not_null())
    assert failed["item"].to_list() == [5, 5]
    assert "500" in failed["error"][0]
    for column in ("prediction", "exact_match", "token_accuracy", "token_edit_distance"):
        assert failed[column].to_list() == [None, None]  # blank, not 0
    assert_frame_equal(table.filter(pl.col("item") != 5), undisturbed.filter(pl.col("item") != 5))
    scores = results.scores(table).filter(metric="exact match", temperature=0.0)
    assert scores.filter(pl.col("target_length").is_null())["n_items"].item() == 11
    # The server is mended, and the same command is given again: only the two are asked.
    with start() as loopback:
        assert_frame_equal(ask(loopback, out), undisturbed)
    assert sum(loopback.asked.values()) == 2


def test_nothing_finished_is_asked_twice(start, undisturbed, tmp_path):
    out = tmp_path / "a.parquet"
    with start() as loopback:
        ask(loopback, out)
        before = out.read_bytes()
        table = ask(loopback, out)
        assert sum(loopback.asked.values()) == N_REQUESTS
        assert out.read_bytes() == before
        assert_frame_equal(table, undisturbed)
        # More items: the first twelve are the same ones.
        more = Questions(QUESTIONS.task, n_items=15)
        longer = evaluate([model(loopback)], [more], out)
    assert sum(loopback.asked.values()) == 15 * 3
    assert_frame_equal(longer.filter(pl.col("item") < 12), undisturbed)


def test_in_a_notebook(start, undisturbed, tmp_path):
    async def cell():  # a notebook runs each cell inside an event loop
        return ask(loopback, tmp_path / "a.parquet")

    # In a thread of its own: a test of the browser leaves an event loop running in this one.
    with start() as loopback, ThreadPoolExecutor() as pool:
        assert_frame_equal(pool.submit(lambda: asyncio.run(cell())).result(), undisturbed)


def test_server_that_dies_and_comes_back(start, undisturbed, tmp_path):
    back = threading.Event()

    def fault(body, n):  # after ten answers the rest has to wait for the second server
        return "hang" if sum(loopback.asked.values()) > 10 and not back.is_set() else None

    def kill_and_restart():
        while sum(loopback.asked.values()) <= 10:
            time.sleep(0.005)
        loopback.__exit__()
        time.sleep(0.5)  # meanwhile it is asked again, and is not there
        back.set()
        loopback.__enter__()

    with start(fault) as loopback:
        thread = threading.Thread(target=kill_and_restart, daemon=True)
        thread.start()
        table = ask(loopback, tmp_path / "a.parquet")
        thread.join()
    assert_frame_equal(table, undisturbed)


def test_server_that_stays_away(start, undisturbed, tmp_path):
    out = tmp_path / "a.parquet"

    def fault(body, n):
        return "close" if sum(loopback.asked.values()) > 15 else None

    with start(fault) as loopback, pytest.raises(MirageError, match=r"none of the last 3.*goes on"):
        ask(loopback, out, retries=0, give_up=3, concurrency=1)
    assert not out.exists()  # no table of half a run
    with start() as loopback:
        assert_frame_equal(ask(loopback, out), undisturbed)
    assert sum(loopback.asked.values()) == N_REQUESTS - 15


def test_a_killed_run_goes_on(start, undisturbed, tmp_path):
    out = tmp_path / "a.parquet"
    # No more than twelve answers come before the kill, and then two questions are in flight.
    number = count(1)
    loopback = start(lambda body, n: "hang" if next(number) > 12 else None)
    options = [
        *("--task", QUESTIONS.task, "--items", "12", "--model", "toy", "--params", "toy=1K"),
        *("--family", "toys", "--out", out, "--concurrency", "2", "--server"),
    ]
    command = [sys.executable, "-c", "from mirage.evaluation.cli import app; app()", "evaluate"]
    with loopback:
        killed = subprocess.Popen([*command, *options, loopback.url], stdout=subprocess.DEVNULL)
        while sum(loopback.asked.values()) < 12 + 2:
            assert killed.poll() is None
            time.sleep(0.01)
        os.kill(killed.pid, signal.SIGKILL)
        assert killed.wait() == -signal.SIGKILL
    assert not out.exists()
    with (tmp_path / "a.jsonl").open("ab") as journal:
        journal.write(b'{"key": "half a li')
    loopback.fault = lambda body, n: None
    with loopback:
        ran = run(*options, loopback.url)
    assert ran.exit_code == 0, ran.output
    assert sum(loopback.asked.values()) == N_REQUESTS + 2  # the two in flight, once more
    assert_frame_equal(pl.read_parquet(out), undisturbed)


def test_retry_after_is_honoured(start, tmp_path):
    first = items(QUESTIONS)[0].prompt
    wait = (429, {"retry-after": "2"}, b"{}")

    def fault(body, n):
        return wait if body["prompt"] == first and body["temperature"] == 0 and n == 0 else None

    with start(fault) as loopback:
        ask(loopback, tmp_path / "a.parquet")
    # The first request goes alone, so that the second is its repetition; without the header the
    # client would come back after half a second.
    assert loopback.times[1] - loopback.times[0] >= 2.0


def test_rate_and_concurrency(start, tmp_path):
    together = threading.Event()

    def fault(body, n):  # the first goes alone; the second is held until there is a third
        if len(loopback.times) > 2:
            together.set()
        elif len(loopback.times) == 2:
            together.wait(60)

    with start(fault) as loopback:
        ask(loopback, tmp_path / "a.parquet", concurrency=3, rate=50)
    assert 1 < loopback.most_in_flight <= 3
    # 36 requests at 50 a second: the last starts 34/50 s after the second, and that one after the
    # first was answered, however late it came.
    assert loopback.times[-1] - loopback.times[0] >= 0.6


def ignore_echo(body):
    """Answer as transformers' server does, which ignores ``echo`` and ``logprobs``."""
    return complete({"seed": 0} | body | {"echo": False})


def refuse_echo(body, n):
    return (400, {}, b'{"error": {"message": "no echo"}}') if "echo" in body else None


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"complete": ignore_echo}, "the server gives no log-probabilities"),
        ({"fault": refuse_echo}, "400"),
    ],
)
def test_a_model_without_logprobs(options, reason, start, undisturbed, tmp_path):
    with start(**options) as loopback:
        table = ask(loopback, tmp_path / "a.parquet", concurrency=1)
        again = ask(loopback, tmp_path / "a.parquet", concurrency=1)
    assert sum(json.loads(question)[2] for question in loopback.asked) == 1  # then it is known
    assert table["log_likelihood"].null_count() == 24  # blank, not 0
    assert table["reason"].unique().len() == 1
    assert reason in table["reason"][0]
    assert_frame_equal(again, table)
    same = [c for c in table.columns if c not in ("log_likelihood", "reason")]
    assert_frame_equal(table[same], undisturbed[same])
    found = set(results.scores(table)["metric"])
    assert found == {"exact match", "token accuracy", "token edit distance"}


def test_chat(start, undisturbed, tmp_path):
    with start() as loopback:
        table = ask(loopback, tmp_path / "a.parquet", chat=True)
    assert all(json.loads(question)[0][0]["role"] == "user" for question in loopback.asked)
    assert sum(loopback.asked.values()) == 24
    assert table["reason"].unique().to_list() == ["the chat endpoint scores no given text"]
    assert table["prediction"].to_list() == undisturbed["prediction"].to_list()


@pytest.mark.parametrize(
    ("tokens", "log_probs", "expected"),
    [
        (["3*4", "=", "1", "2", "\n"], [None, -9, -1, -2, -7], -3.0),  # the target alone counts
        (["<s>", "3*4=", "12", "!"], [None, -9, -1.5, -7], -1.5),
        (["3*4", "=", "", "12"], [None, -9, -5, -1], -1.0),  # a special token without text
        (["3*4", "=1", "2"], [None, -9, -1], "spans an end"),
        (["3*4", "=", "12\n"], [None, -9, -1], "spans an end"),
        (["3*4", "="], [None, -9], "does not echo"),
        (["3*4=", "12"], [None, None], "no log-probability of the target"),
        (["3*4=", "12"], [None], "no log-probabilities"),
        (None, None, "no log-probabilities"),
    ],
)
def test_log_likelihood_from_an_echo(tokens, log_probs, expected):
    request = Request("key", "3*4=", "12", None, 0, 1)
    answer = log_likelihood(request, Text("", Logprobs(tokens, log_probs)))
    if isinstance(expected, float):
        assert answer.log_likelihood == expected
    else:
        assert answer.log_likelihood is None
        assert expected in answer.reason


def test_unknown_model_and_wrong_key(start, tmp_path):
    with start(key="secret") as loopback:
        other = Server(loopback.url, "other", 1000, api_key="secret")
        with pytest.raises(UnknownModelError, match=r"no model 'other'.*it lists toy"):
            evaluate([other], [QUESTIONS], tmp_path / "a.parquet")
        with pytest.raises(MirageError, match=r"refuses the key.*--key-variable") as error:
            ask(loopback, tmp_path / "a.parquet", api_key="sk-wrong-key")
        assert "sk-wrong-key" not in str(error.value)
        assert sum(loopback.asked.values()) == 2  # one request each, then it stops
        assert ask(loopback, tmp_path / "a.parquet", api_key="secret").height == 24


@pytest.mark.parametrize("key", ["1", "42", "1234567"])
def test_a_short_key_is_no_part_of_an_answer(key, start, undisturbed, tmp_path):
    with start() as loopback:
        assert_frame_equal(ask(loopback, tmp_path / "a.parquet", api_key=key), undisturbed)


def test_a_short_key_is_left_out_of_errors(start, tmp_path):
    with (
        start(lambda body, n: (400, {}, b"not the key 42")) as loopback,
        pytest.raises(MirageError) as error,
    ):
        ask(loopback, tmp_path / "a.parquet", api_key="42", give_up=1)
    assert "not the key ***" in str(error.value)


def test_a_completion_that_quotes_the_key_is_stored_without_it(start, tmp_path):
    def quotes(body):
        reply = complete(body)
        return reply if body.get("echo") else {"choices": [{"text": " key-5678"}]}

    with start(complete=quotes) as loopback:
        table = ask(loopback, tmp_path / "a.parquet", api_key="key-5678")
    assert table["completion"].unique().to_list() == [" ***"]


def test_names_of_a_servers_models_move_no_cursor(start, tmp_path, monkeypatch):
    monkeypatch.setattr(Loopback, "models", ["toy\x1b]0;x\x07\x9b31m"], raising=False)
    with start() as loopback:
        options = ["--server", loopback.url, "--model", "other", "--params", "other=1K"]
        ran = run("--task", QUESTIONS.task, *options, "--out", tmp_path / "a.parquet")
    assert ran.exit_code == 2
    assert "it lists toy]0;x31m" in " ".join(ran.output.replace("│", " ").split())


def test_a_model_refused_by_name(start, tmp_path):
    """As transformers' server does where it has another model."""
    pinned = (400, {}, b'{"detail": "Server is pinned to x; requested toy."}')
    with (
        start(lambda body, n: pinned) as loopback,
        pytest.raises(UnknownModelError, match=r"no model 'toy'.*pinned to x"),
    ):
        ask(loopback, tmp_path / "a.parquet")
    assert sum(loopback.asked.values()) == 1


def test_a_server_that_refuses_everything_is_given_up(start, tmp_path):
    refused = (400, {}, b'{"error": {"message": "not today"}}')
    with (
        start(lambda body, n: refused) as loopback,
        pytest.raises(MirageError, match=r"none of the last 5 .*400.*not today"),
    ):
        ask(loopback, tmp_path / "a.parquet", give_up=5, concurrency=1)


def run(*arguments, **environment):
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)], env=environment)


def test_command_line(start, undisturbed, tmp_path):
    out = tmp_path / "a.parquet"
    with start(key="secret") as loopback:
        ran = run(
            *("--task", QUESTIONS.task, "--items", 12, "--server", loopback.url, "--model", "toy"),
            *("--params", "toy=1K", "--family", "toys", "--out", out, "--key-variable", "KEY"),
            KEY="secret",
        )
    assert ran.exit_code == 0, ran.output
    assert_frame_equal(pl.read_parquet(out), undisturbed)
    scores = pl.read_parquet(tmp_path / "a-scores.parquet")
    assert_frame_equal(scores, results.scores(undisturbed))
    hits = undisturbed.filter(temperature=0)["exact_match"].sum()
    assert f"{hits / 12:.3g}" in ran.output


def test_command_line_reports_failed_items(start, tmp_path):
    broken = items(QUESTIONS)[5].prompt

    def fault(body, n):
        return FAULTS["500"] if body["prompt"] == broken else None

    with start(fault) as loopback:
        ran = run(
            *("--task", QUESTIONS.task, "--items", 12, "--server", loopback.url, "--model", "toy"),
            *("--params", "toy=1K", "--out", tmp_path / "a.parquet", "--retries", 0),
        )
    assert isinstance(ran.exception, MirageError)  # `mirage` prints its one line and exits with 1
    assert str(ran.exception).startswith("2 questions failed")
    assert "exact match" in ran.output


def test_command_line_when_everything_fails(start, tmp_path):
    with start(lambda body, n: FAULTS["500"]) as loopback:
        ran = run(
            *("--task", QUESTIONS.task, "--items", 2, "--server", loopback.url, "--model", "toy"),
            *("--params", "toy=1K", "--out", tmp_path / "a.parquet", "--retries", 0),
        )
    assert isinstance(ran.exception, MirageError)
    assert "all 4 questions failed" in str(ran.exception)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--task", "long-division", "--model", "hf:x"), "two-digit-multiplication"),
        (("--task", "two-digit-addition", "--model", "x"), "expected hf:x"),
        (
            ("--task", "two-digit-addition", "--model", "x", "--server", "http://127.0.0.1:9/v1"),
            "--params x=N",
        ),
        (("--task", "two-digit-addition", "--model", "hf:x", "--params", "y=7"), "y"),
        (("--task", "two-digit-addition", "--model", "hf:x", "--params", "x=big"), "x=big"),
        (("--task", "two-digit-addition", "--model", "hf:x", "--items", "20000"), "20000"),
        (("--task", "two-digit-addition", "--model", "hf:x", "--items", "0"), "items"),
    ],
)
def test_bad_input_exits_with_2(arguments, message):
    ran = run(*arguments)
    assert ran.exit_code == 2
    assert message in " ".join(ran.output.replace("│", " ").split())
