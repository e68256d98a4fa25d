"""Downloads of tables, from a server on this machine that behaves and misbehaves like GitHub."""

import hashlib
import json
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from mirage import cli, datasets
from mirage.datasets import bigbench, bigbench_download, download, obsscaling
from mirage.datasets.bigbench_download import get
from mirage.datasets.directory import read_sums
from mirage.datasets.remote import Remote, download_pinned
from mirage.files import DataError, DiskError, NetworkError

TASKS = "bigbench/benchmark_tasks/"
TREE = f"/repos/google/BIG-bench/git/trees/{bigbench_download.COMMIT}"
RAW = f"/google/BIG-bench/{bigbench_download.COMMIT}/"


@pytest.fixture
def server(monkeypatch):
    """A server of ``files`` (path: body); ``faults`` (path: list) are served first, one each."""
    state = SimpleNamespace(files={}, faults={}, asked=[])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            path = self.path.partition("?")[0]
            state.asked.append(path)
            fault = state.faults[path].pop(0) if state.faults.get(path) else None
            body = state.files.get(path)
            status = fault if isinstance(fault, int) else 200 if body is not None else 404
            body = body if status == 200 else b"{}"
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if fault == "cut" else body)

        do_HEAD = do_GET

        def log_message(self, *_):
            """Stay quiet."""

    class Threads(ThreadingHTTPServer):
        daemon_threads = False  # closing waits for them: none writes to the screen of a later test
        request_queue_size = 128  # of 5, the default, a sixth connection at once waits for a second

    http = Threads(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{http.server_port}"
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(bigbench_download, "API", state.url)
    monkeypatch.setattr(bigbench_download, "RAW", state.url)
    monkeypatch.setattr(bigbench_download, "_WAITS", (0.0, 0.0))
    monkeypatch.setattr(download, "_PATIENCE", 60.0)  # a busy machine may need more than 3 s
    yield state
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
def data_dir(tmp_path, monkeypatch):
    monkeypatch.setenv("MIRAGE_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("MIRAGE_SOURCE", raising=False)
    monkeypatch.setattr("mirage.datasets.directory.EMBEDDED", tmp_path / "none")
    return tmp_path / "data"


def score_file(task, model):
    entry = {"score_dict": {"exact_str_match": 0.5}, "preferred_score": "exact_str_match"}
    names = {"model_family": "toy", "model_name": f"{model}m", "total_params": model * 10**6}
    file = {"scores": [entry], "model": names, "task": {"task_name": task}}
    return json.dumps(file).encode()


@pytest.fixture
def repository(server, monkeypatch):
    """Three tasks × two models, beside files that are no scores."""
    entries = []
    for task in ("snarks", "sudoku", "tense"):
        for model in (1, 2):
            # Temperatures are in the official names: "=" has to be quoted in an address.
            path = f"{TASKS}{task}/results/scores_toy_{model}m_T=0.json"
            body = score_file(task, model)
            server.files[RAW + path.replace("=", "%3D")] = body
            entries.append({"path": path, "type": "blob", "sha": bigbench_download.git_hash(body)})
    for path in ("README.md", f"{TASKS}snarks/task.json", f"{TASKS}snarks/results/plot.png"):
        entries.append({"path": path, "type": "blob", "sha": "0" * 40})
    entries.append({"path": TASKS + "snarks", "type": "tree", "sha": "0" * 40})
    server.files[TREE] = json.dumps({"sha": "0", "tree": entries, "truncated": False}).encode()
    spec = replace(bigbench.SPEC, urls=(server.url + TREE,))
    monkeypatch.setattr(datasets, "REGISTRY", {"bigbench": spec})
    return server


def paths(server):
    return [path for path in server.asked if path.startswith(RAW)]


def test_fetch_bigbench(repository, data_dir):
    datasets.fetch("bigbench")
    data = datasets.load("bigbench")
    assert (data.source, data.faults) == ("download", ())
    assert data.scores.height == 6
    assert data.description == "BIG-bench score files (3 tasks and subtasks, 2 models, 6 scores)"
    assert len(paths(repository)) == 6  # nothing but score files
    sums = read_sums(data_dir)
    archive = data_dir / bigbench_download.ARCHIVE
    assert sums.digests == {
        bigbench_download.ARCHIVE: hashlib.sha256(archive.read_bytes()).hexdigest()
    }
    assert {path.name for path in data_dir.iterdir()} == {"bigbench", "SHA256SUMS", ".mirage-lock"}
    repository.asked.clear()
    datasets.fetch("bigbench")
    assert repository.asked == []


def test_an_upstream_file_that_is_bad_is_named(repository, data_dir, caplog):
    path = next(p for p in repository.files if "sudoku" in p)
    tree = repository.files[TREE].decode()
    bad = repository.files[path][:30]
    old, new = (bigbench_download.git_hash(body) for body in (repository.files[path], bad))
    repository.files |= {path: bad, TREE: tree.replace(old, new).encode()}
    datasets.fetch("bigbench")
    caplog.set_level("WARNING", logger="mirage.datasets")
    data = datasets.load("bigbench")
    assert (data.scores.height, len(data.faults)) == (5, 1)
    assert data.description.endswith("5 scores); files that cannot be read: 1")
    assert "sudoku/results/scores_toy_1m_T=0.json: Input data was truncated" in caplog.text


def test_a_stopped_fetch_goes_on(repository, data_dir):
    gone = RAW + f"{TASKS}tense/results/scores_toy_2m_T%3D0.json"
    body = repository.files.pop(gone)
    with pytest.raises(NetworkError, match=r"5 of 6 score files are here, .*404.*goes on from"):
        datasets.fetch("bigbench")
    assert not datasets.available("bigbench")  # half a download is none
    repository.files[gone] = body
    repository.asked.clear()
    datasets.fetch("bigbench")
    assert paths(repository) == [gone]  # only what was missing
    assert datasets.load("bigbench").scores.height == 6


def test_passing_faults_are_waited_out(repository, data_dir):
    first, second, third = sorted(p for p in repository.files if p.startswith(RAW))[:3]
    repository.faults = {first: [429, 503], second: ["cut"], third: [403], TREE: [200, 502]}
    datasets.fetch("bigbench")
    assert datasets.load("bigbench").scores.height == 6
    assert repository.asked.count(first) == 3
    assert repository.asked.count(second) == 2


def test_a_changed_file_is_refused(repository, data_dir):
    path = next(p for p in repository.files if p.startswith(RAW))
    repository.files[path] = b"<html>log in to the hotel's network</html>"
    with pytest.raises(NetworkError, match="expected git hash"):
        datasets.fetch("bigbench")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"<html>", "gave no list of files"),
        (b'{"message": "rate limit"}', "gave no list of files"),
        (b'{"tree": [], "truncated": true}', "only a part of the list; clone"),
        (b'{"tree": []}', "no score files; clone"),
    ],
)
def test_a_strange_list_is_refused(repository, data_dir, answer, message):
    repository.files[TREE] = answer
    with pytest.raises(DataError, match=message):
        datasets.fetch("bigbench")
    assert not (data_dir / bigbench_download.ARCHIVE).exists()


def test_no_network_gives_up_early(repository, data_dir, monkeypatch):
    monkeypatch.setattr(bigbench_download, "_N_THREADS", 2)
    listing = repository.files[TREE]
    repository.files.clear()
    repository.files[TREE] = listing
    with pytest.raises(NetworkError, match="0 of 6 score files are here"):
        datasets.fetch("bigbench")
    assert len(set(paths(repository))) <= 3  # two failed; a third had begun before the second did


def test_full_disk(repository, data_dir, monkeypatch):
    def fill(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bigbench_download, "pack", fill)
    with pytest.raises(DiskError, match="No space left on device; free some space"):
        datasets.fetch("bigbench")
    assert read_sums(data_dir).digests == {}


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["mirage", *arguments])
    monkeypatch.delenv("MIRAGE_DEBUG", raising=False)
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    return exit_.value.code or 0, *capsys.readouterr()


def test_command_line(repository, data_dir, tmp_path, monkeypatch, capsys):
    code, out, _ = run(monkeypatch, capsys, "data", "fetch")
    assert (code, out) == (0, "")  # thousands of files: by name only
    assert repository.asked == []
    code, out, _ = run(monkeypatch, capsys, "data", "fetch", "bigbench")
    assert code == 0
    assert f"bigbench: downloaded and verified, {data_dir / 'bigbench' / 'scores.zip'}" in out
    code, out, _ = run(monkeypatch, capsys, "data", "list")
    assert "github google/BIG-bench @ 092b196c" in out
    code, out, _ = run(monkeypatch, capsys, "data", "verify")
    assert (code, "bigbench/scores.zip: ok" in out) == (0, True)


def test_a_clone_in_place_of_a_download(repository, data_dir, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "clone" / TASKS / "snarks" / "results"
    folder.mkdir(parents=True)
    (folder / "scores_toy_1m.json").write_bytes(score_file("snarks", 1))
    clone = str(tmp_path / "clone")
    code, out, _ = run(monkeypatch, capsys, "data", "fetch", "bigbench", "--clone", clone)
    assert (code, repository.asked) == (0, [])
    assert "already there and verified" in out
    assert datasets.load("bigbench").scores.height == 1
    code, *_ = run(monkeypatch, capsys, "data", "fetch", "--clone", clone)
    assert code == 2
    empty = str(tmp_path / "empty")
    code, _, err = run(monkeypatch, capsys, "data", "fetch", "bigbench", "--clone", empty)
    assert code == 1
    assert "has no score files; expected bigbench/benchmark_tasks/<task>/results" in err
    assert datasets.load("bigbench").scores.height == 1  # the one that was there


# Tables ----------------------------------------------------------------------------------------


def test_remote_files_are_pinned(server, tmp_path):
    server.files = {"/a": b"one", "/b": b"two"}
    pins = [
        Remote(f"x/{n}", f"{server.url}/{n}", hashlib.sha256(server.files[f"/{n}"]).hexdigest())
        for n in "ab"
    ]
    download_pinned(pins, tmp_path)
    assert (tmp_path / "x" / "b").read_bytes() == b"two"
    server.asked.clear()
    (tmp_path / "x" / "b").write_bytes(b"damaged")
    download_pinned(pins, tmp_path)
    assert server.asked == ["/b"]
    server.files["/a"] = b"changed"
    with pytest.raises(NetworkError, match=r"/a: SHA256 hash of downloaded file"):
        download_pinned(pins, tmp_path / "elsewhere")


@pytest.mark.parametrize(("status", "attempts"), [(404, 1), (500, 3), (429, 3)])
def test_get_tries_again_only_where_it_may_help(server, status, attempts):
    server.faults["/a"] = [status] * 9
    with pytest.raises(NetworkError, match=rf"cannot download {server.url}/a: HTTP {status}"):
        get(f"{server.url}/a")
    assert len(server.asked) == attempts


def test_get_names_a_server_that_is_gone(monkeypatch):
    monkeypatch.setattr(bigbench_download, "_WAITS", ())
    with pytest.raises(NetworkError, match=r"cannot download http://mirage\.invalid/: "):
        get("http://mirage.invalid/")  # a name that never resolves (RFC 2606)


def test_obsscaling_joins_scores_and_sizes(server, data_dir, monkeypatch):
    columns = ",".join(["Model", *obsscaling._SCORES])
    scores = f"{columns}\nx/b,.1,.002,,0.5,.25,,.5,1.0\nx/a,.1,.002,.1,1,0,0,0,0\n"
    sizes = (
        "Model,Model Family,Model Size (B),Pretraining Data Size (T),FLOPs (1E21),MMLU\n"
        "x/a,X,7.0,2.0,84.0,.4\nx/b,X,13.0,,,.5\nx/c,X,70.0,2.0,840.0,.6\n"
    )
    for name, text in (("emergent_capability", scores), ("benchmark", sizes)):
        server.files[f"/base_llm_{name}_eval.csv"] = text.encode()
    remotes = [
        remote._replace(url=f"{server.url}{path}", sha256=hashlib.sha256(body).hexdigest())
        for remote, (path, body) in zip(obsscaling._REMOTES, server.files.items(), strict=True)
    ]
    monkeypatch.setattr(obsscaling, "_REMOTES", remotes)
    url = f"{server.url}/base_llm_benchmark_eval.csv"
    monkeypatch.setattr(datasets, "REGISTRY", {"obsscaling": replace(obsscaling.SPEC, urls=(url,))})
    datasets.fetch("obsscaling")
    data = datasets.load("obsscaling", source="directory")
    assert data.scores.height == 16 - 2  # two blanks
    b = data.scores.filter(model="x/b", task="2-digit addition").row(0, named=True)
    assert (b["n_params"], b["compute"], b["score"]) == (13_000_000_000, None, 1.0)
    a = data.scores.filter(model="x/a", metric="BLEU").row(0, named=True)
    assert (a["compute"], a["n_tokens"], a["score"]) == (8.4e22, 2e12, 1.0)


def test_what_cannot_be_downloaded_says_where_it_comes_from(data_dir, monkeypatch, capsys):
    monkeypatch.setattr(download, "reachable", lambda _: pytest.fail("asked the network"))
    with pytest.raises(DataError, match=r"bigg is not in .*; it has no download \(computed from"):
        datasets.fetch("bigg")
    code, _, err = run(monkeypatch, capsys, "data", "fetch", "bigg")
    assert (code, err.count("\n")) == (1, 1)
    assert "bigg_t0_3shot_items.parquet and their lines of SHA256SUMS" in err
