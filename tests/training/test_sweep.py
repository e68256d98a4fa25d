"""A sweep is resumed after a kill, mistrusts its cache, and names what failed."""

import errno
import functools
import importlib
import logging
import os
import platform
import signal
import subprocess
import sys
import time
import types
from contextlib import ExitStack, suppress
from pathlib import Path

import clusters
import joblib
import psutil
import pytest
import torch
import toy_sweep
from polars.testing import assert_frame_equal
from toy_sweep import Config, Data, evaluate

from mirage import code_digest, processes
from mirage.audit import audit
from mirage.files import DiskError, MirageError
from mirage.training import sweep
from mirage.training.sweep import SweepError

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "mirage" / "audit" / "example"


@pytest.fixture
def data(tmp_path):
    (tmp_path / "marks").mkdir()
    return Data("digest", tmp_path / "marks")


@pytest.fixture
def run(data, tmp_path):
    """Run the toy sweep; in this process unless jobs say otherwise."""

    def run_it(configs, data=data, **options):
        return toy_sweep.run(configs, data, tmp_path / "cache", **{"jobs": 1, **options})

    return run_it


def numbers(n: int, **faults: str) -> list[Config]:
    """Configurations 0 to n − 1; ``at_2="raise"`` makes number 2 fail."""
    return [Config(i, faults.get(f"at_{i}", "")) for i in range(n)]


def cached(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / "toy").iterdir())


def start(data: Data, tmp_path: Path, n: int, n_waiting: int = 0) -> subprocess.Popen:
    """Run the toy sweep in a process of its own; its last configurations wait for a sign."""
    command = [sys.executable, "-m", "toy_sweep", data.marks, tmp_path / "cache", n, n_waiting]
    return subprocess.Popen(
        [str(part) for part in command],
        cwd=HERE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that its workers can be killed with it
    )


def wait_until(condition, process: subprocess.Popen) -> None:
    """Wait for a condition on files; five minutes are a dead process, not a slow one."""
    end = time.monotonic() + 300
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "nothing happened for minutes"
        time.sleep(0.02)


def test_scores_in_the_order_of_the_configs(run):
    table = run([Config(2), Config(0), Config(1)])
    assert table["model"].to_list() == ["toy 2", "toy 0", "toy 1"]
    assert table["score"].to_list() == [2 / 7, 0.0, 1 / 7]


def test_second_run_computes_nothing_and_is_identical(run, data):
    first = run(numbers(5))  # number 3 scores −∞, which JSON does not know
    second = run(numbers(5))
    assert_frame_equal(first, second, check_exact=True)
    assert second["score"].to_list() == [toy_sweep.score(i) for i in range(5)]
    assert data.counts() == dict.fromkeys(range(5), 1)


def test_only_new_configs_are_computed(run, data):
    run(numbers(2))
    assert run(numbers(4)).height == 4
    assert data.counts() == dict.fromkeys(range(4), 1)


def test_result_does_not_depend_on_jobs(run, data, tmp_path):
    alone = run(numbers(6))
    together = toy_sweep.run(numbers(6), data, tmp_path / "other", jobs=2)
    assert_frame_equal(alone, together, check_exact=True)
    assert data.counts() == dict.fromkeys(range(6), 2)


def test_killed_sweep_repeats_only_what_was_in_flight(run, data, tmp_path):
    process = start(data, tmp_path, n=8, n_waiting=4)
    folder = tmp_path / "cache" / "toy"
    # Two jobs: 0 to 3 are finished and written, 4 and 5 are in flight, 6 and 7 have not begun.
    wait_until(
        lambda: len(list(folder.glob("*.rows"))) == 4 and {4, 5} <= data.counts().keys(), process
    )
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert data.counts() == dict.fromkeys(range(6), 1)
    (data.marks / "go").touch()
    configs = numbers(8, at_4="wait", at_5="wait", at_6="wait", at_7="wait")
    resumed = run(configs)
    assert data.counts() == {0: 1, 1: 1, 2: 1, 3: 1, 4: 2, 5: 2, 6: 1, 7: 1}
    undisturbed = toy_sweep.run(configs, data, tmp_path / "other", jobs=1)
    assert_frame_equal(resumed, undisturbed, check_exact=True)


@pytest.mark.parametrize("how", ["kill the run", "interrupt the group"])
def test_nothing_survives_a_sweep_that_is_ended(data, tmp_path, how):
    process = start(data, tmp_path, n=8, n_waiting=4)
    # Its workers wait within 4 and 5, and the feeder of 6 and 7 within a pipe that holds no more.
    wait_until(lambda: {4, 5} <= data.counts().keys(), process)
    assert len(group(process.pid)) > 2, "the run and its workers"
    if how == "kill the run":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGINT)
    process.wait()
    end = time.monotonic() + 300  # it takes about a second; what is left without a watch, longer
    while (left := group(process.pid)) and time.monotonic() < end:
        time.sleep(0.05)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not left


def group(leader: int) -> dict[int, str]:
    """Processes of a process group that have not ended, with their command."""
    found = {}
    for process in psutil.process_iter(["pid", "status", "cmdline"]):
        with suppress(ProcessLookupError, PermissionError):
            alive = process.info["status"] != psutil.STATUS_ZOMBIE
            if alive and os.getpgid(process.pid) == leader:
                found[process.pid] = " ".join(process.info["cmdline"] or [])[-60:]
    return found


def test_two_runs_at_once_are_both_right(run, data, tmp_path):
    both = [start(data, tmp_path, n=6, n_waiting=2) for _ in range(2)]
    for process in both:  # each waits inside its last two configurations
        wait_until(lambda: all(data.counts().get(i, 0) == 2 for i in (4, 5)), process)
    (data.marks / "go").touch()
    outputs = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    expected = run(numbers(6, at_4="wait", at_5="wait")).write_csv()
    assert [out for out, _ in outputs] == [expected, expected]
    assert len(cached(tmp_path)) == 6, "one file each, and no temporary one"


def truncate(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flip_first_bit(content: bytes) -> bytes:
    return bytes([content[0] ^ 1]) + content[1:]


def flip_last_bit(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


def change_a_digit(content: bytes) -> bytes:
    assert b"0.142857" in content, "1/7 stands in the file, and would still be JSON as 2/7"
    return content.replace(b"0.142857", b"0.285714")


@pytest.mark.parametrize(
    "damage",
    [truncate, flip_first_bit, flip_last_bit, change_a_digit, lambda _: b"", lambda _: b"\xff\n"],
    ids=["truncated", "first bit", "last bit", "digit", "empty", "not text"],
)
def test_damaged_cache_file_is_named_and_computed_again(run, data, tmp_path, caplog, damage):
    right = run([Config(1)])
    (file,) = cached(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    with caplog.at_level(logging.WARNING):
        again = run([Config(1)])
    assert str(file) in caplog.text
    assert_frame_equal(again, right, check_exact=True)
    assert data.counts() == {1: 2}
    assert file.read_bytes() == whole


def test_each_bit_counts(run, data, tmp_path):
    run([Config(1)])
    (file,) = cached(tmp_path)
    whole = file.read_bytes()
    for place in range(0, 8 * len(whole), 37):  # every 37th bit: 37 and 8 share no factor
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        file.write_bytes(damaged)
        assert sweep._read(file) is None, f"bit {place}"


def test_failing_config_is_named_and_the_others_are_kept(run, data, caplog):
    with pytest.raises(SweepError) as caught:
        run(numbers(4, at_2="raise"))
    message = str(caught.value)
    assert "1 of 4" in message
    assert "number=2" in message
    assert "number 2 is bad" in message
    assert "\n" not in message
    assert "Traceback" in caplog.text, "the log says where"
    run([config for config in numbers(4) if config.number != 2])
    assert data.counts() == dict.fromkeys(range(4), 1), "the others were not computed again"


def test_score_that_no_table_takes_is_its_configs_failure(run, tmp_path):
    with pytest.raises(SweepError, match=r"number=1, fault='nan'.*score is NaN"):
        run(numbers(3, at_1="nan"))
    assert len(cached(tmp_path)) == 2, "a wrong result is not kept"


def test_killed_worker_is_one_clear_error(run, data):
    with pytest.raises(SweepError, match=r"a worker process died.*of 6 configurations are kept"):
        run(numbers(6, at_3="kill"), jobs=2)
    assert run(numbers(6, at_3="kill"), jobs=2).height == 6  # it only dies once
    assert max(data.counts().values()) <= 2


@pytest.mark.parametrize("jobs", [1, 2])
def test_full_disk_is_one_clear_error(run, data, tmp_path, monkeypatch, jobs):
    run(numbers(1))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(DiskError) as caught:
            run(numbers(6), jobs=jobs)
    assert "No space left on device" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(cached(tmp_path)) == 1, "nothing half-written beside the old file"
    assert run(numbers(6)).height == 6


def full(_) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_changed_config_or_data_is_computed_again(run, data):
    run([Config(1)])
    run([Config(1, fault="harmless")])
    assert data.counts() == {1: 2}
    run([Config(1)], data=Data("another digest", data.marks))
    assert data.counts() == {1: 3}


@pytest.fixture
def import_here(tmp_path, monkeypatch):
    """Import a module from ``tmp_path``, and forget it and its package after the test."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def import_it(name):
        importlib.invalidate_caches()  # it was written after the folder may have been listed
        return importlib.import_module(name)

    yield import_it
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def test_changed_code_is_computed_again_and_a_comment_is_not(data, tmp_path, import_here):
    """Of the function's module, and of a module that it imports."""
    package = tmp_path / "pack"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "part.py").write_text("SHIFT = 0\n")
    source = (HERE / "toy_sweep.py").read_text(encoding="utf-8")
    (package / "whole.py").write_text(f"{source}\nfrom pack.part import SHIFT\n")
    whole = import_here("pack.whole")
    changes = [
        ("part", "", 1),
        ("part", "", 1),
        ("part", "# a comment\n", 1),
        ("whole", "# a comment\n", 1),
        ("part", "SHIFT = 1\n", 2),
        ("whole", "def other(): ...\n", 3),
    ]
    for name, change, n_times in changes:
        with (package / f"{name}.py").open("a") as file:
            file.write(change)
        whole.run([whole.Config(1)], data, tmp_path / "cache", jobs=1)
        assert data.counts() == {1: n_times}, change


@pytest.mark.parametrize("what", ["version", "device"])
def test_another_torch_or_device_is_computed_again(data, tmp_path, import_here, monkeypatch, what):
    path = tmp_path / "with_torch.py"
    source = (HERE / "toy_sweep.py").read_text(encoding="utf-8")
    path.write_text(f"import torch\n{source}", encoding="utf-8")
    module = import_here("with_torch")

    def counts():
        module.run([module.Config(1)], data, tmp_path / "cache", jobs=1)
        return data.counts()[1]

    assert (counts(), counts()) == (1, 1)
    if what == "version":
        monkeypatch.setattr(code_digest, "version", lambda name: f"{name} 999")
    else:
        monkeypatch.setattr(code_digest, "_device", lambda: "cuda")
    assert (counts(), counts()) == (2, 2)


def test_a_progress_bar_retrains_no_family():
    for family in ("arithmetic.train", "vision.lenet", "vision.autoencoder", "vision.omniglot"):
        files = code_digest.of_module(f"mirage.{family}", without={sweep.__name__}).files
        assert f"mirage.{family}" in files
        assert not {"mirage.training.sweep", "mirage.progress"} & set(files)


def test_two_functions_of_a_module_do_not_share_results(data, tmp_path, monkeypatch):
    def other(config, data):
        return [row | {"score": 0.25} for row in evaluate(config, data)]

    monkeypatch.setattr(other, "__module__", "toy_sweep")
    one = toy_sweep.run([Config(1)], data, tmp_path / "cache", jobs=1)
    two = sweep.run(other, [Config(1)], data, "toy", jobs=1, cache=tmp_path / "cache")
    assert (one["score"].item(), two["score"].item()) == (1 / 7, 0.25)


@pytest.mark.parametrize("module", ["no_such_module", "sys"])
def test_function_without_source_is_refused(data, tmp_path, module):
    lost = types.FunctionType(evaluate.__code__, {"__name__": module})
    with pytest.raises(ValueError, match=f"no source of module '{module}'"):
        sweep.run(lost, [Config(1)], data, "toy", cache=tmp_path)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"backend": "slurm"}, "backend: found 'slurm', expected one of local, dask, ray"),
        ({"jobs": -1}, "jobs: found -1"),
    ],
)
def test_bad_arguments_are_named(run, options, found):
    with pytest.raises(ValueError, match=found):
        run([Config(1)], **options)


@pytest.mark.parametrize(("name", "value"), [("BACKEND", "cloud"), ("JOBS", "all"), ("JOBS", "0")])
def test_bad_environment_is_named(run, monkeypatch, name, value):
    monkeypatch.setenv(f"MIRAGE_{name}", value)
    run([Config(1)], jobs=1, backend="local")  # an argument goes before the environment
    with pytest.raises(ValueError, match=f"found '{value}'"):
        run([Config(1)], jobs=None)


def test_data_are_prepared_once_and_only_if_needed(run, data, tmp_path):
    prepared = []

    def prepare(raw):
        prepared.append(raw)
        return Data("never looked at", tmp_path / "prepared")

    (tmp_path / "prepared").mkdir()
    for _ in range(2):
        run(numbers(3), prepare=prepare)
    assert prepared == [data]
    assert (len(list((tmp_path / "prepared").iterdir())), data.counts()) == (3, {})


def test_data_are_prepared_on_one_thread(run, data):
    """Else the cores of a machine decide the last digits of an eigendecomposition."""
    threads = []

    def prepare(raw):
        threads.append(torch.get_num_threads())
        return raw

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run(numbers(1), prepare=prepare)
        assert (threads, torch.get_num_threads()) == ([1], 2)
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif("glibc" not in platform.libc_ver(), reason="mallopt is glibc's")
def test_workers_reuse_freed_memory():
    script = """
import resource, sys
import numpy as np
from mirage.training import sweep

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        arrays = [np.ones(2**18) for _ in range(4)]  # 2 MiB each
        del arrays
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
given_back = faults()
sweep._keep_freed_memory()
faults()
print(given_back, faults())
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    given_back, kept = map(int, ran.stdout.split())
    assert given_back > 20 * 512, "else the measure is moot: a fault per page of each array"
    assert kept < 512


def test_no_configs_are_refused(run):
    with pytest.raises(ValueError, match="found 0 configurations"):
        run([])


@pytest.mark.parametrize(("name", "module"), [("dask", "distributed"), ("ray", "ray")])
def test_backend_that_is_not_installed_says_how(run, monkeypatch, name, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(
        MirageError, match=rf"backend {name}: .* is not installed; in a clone .*cluster"
    ):
        run([Config(1)], backend=name)


@pytest.fixture(scope="module")
def address():
    """Of a cluster of two workers: ``address("ray")`` starts one, and all tests share it."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        # Where workers look for this folder's modules.
        path = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
        patch.setenv("PYTHONPATH", path)
        yield functools.cache(lambda name: stack.enter_context(getattr(clusters, name)()))


@pytest.fixture(params=["dask", "ray"])
def cluster(request, address, monkeypatch):
    """A backend's name, with the address of its cluster where the backend looks for it."""
    variable = {"dask": "DASK_SCHEDULER_ADDRESS", "ray": "RAY_ADDRESS"}[request.param]
    monkeypatch.setenv(variable, address(request.param))
    return request.param


def test_cluster_backend_for_real(cluster, run, data, tmp_path):
    local = toy_sweep.run(numbers(4), data, tmp_path / "other", jobs=1)
    assert_frame_equal(run(numbers(4), backend=cluster, jobs=2), local, check_exact=True)
    assert data.counts() == dict.fromkeys(range(4), 2)
    with pytest.raises(SweepError, match="number 5 is bad"):
        run(numbers(6, at_5="raise"), backend=cluster, jobs=2)


def test_a_cluster_of_two_workers_outlives_the_death_of_one(cluster, data, tmp_path):
    """A worker is killed in the middle; the table is that of a run on this machine."""
    configs = numbers(8, at_3="kill")
    found = toy_sweep.run(configs, data, tmp_path / "cluster", backend=cluster, jobs=2)
    assert (data.marks / "killed").exists()
    assert data.counts()[3] == 2  # once until it was killed, once on a worker that lives
    local = toy_sweep.run(numbers(8), data, tmp_path / "local", jobs=1)
    assert_frame_equal(found, local, check_exact=True)


def test_ray_gives_up_a_model_that_kills_every_worker(address, run, data, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", address("ray"))
    monkeypatch.setattr(processes, "RETRIES", 1)
    with pytest.raises(SweepError, match="a worker process died"):
        run([Config(0, "kill all")], backend="ray", jobs=2)
    assert data.counts() == {0: 2}


def test_a_clusters_results_come_as_they_finish(cluster, data):
    """So that a kill costs what is in flight: one waits here until all others are seen."""
    configs = numbers(5, at_0="wait")
    tasks = [joblib.delayed(evaluate)(config, data=data) for config in configs]
    results = processes.unordered(tasks, 2, cluster)
    seen = [next(results)[0]["seed"] for _ in range(4)]
    (data.marks / "go").touch()
    seen += [rows[0]["seed"] for rows in results]
    assert (sorted(seen[:4]), seen[4]) == ([1, 2, 3, 4], 0)


def test_an_audit_gives_the_same_verdicts(cluster, tmp_path):
    local, far = (
        audit(EXAMPLE, backend=backend, cache=tmp_path / backend) for backend in ("local", cluster)
    )
    assert far.verdicts.equals(local.verdicts)
    for ours, theirs in zip(far.evidence, local.evidence, strict=True):
        assert repr(ours) == repr(theirs)
    # What the workers found is remembered here, and read without them.
    again = audit(EXAMPLE, backend=cluster, cache=tmp_path / cluster)
    assert again.verdicts.equals(local.verdicts)


def test_an_error_of_a_task_is_raised_as_it_is(cluster, data):
    """A sweep catches its own; the tests of an audit do not."""
    task = joblib.delayed(evaluate)(Config(5, "raise"), data)
    with pytest.raises(ValueError, match="number 5 is bad"):
        list(processes.unordered([task], 1, cluster))


def test_ray_starts_on_this_machine_without_an_address(run, monkeypatch):
    """Asked of Ray, not done: it gives its helpers 15 seconds to start, see `clusters`."""
    ray = pytest.importorskip("ray", reason="ray is an extra: [cluster]")
    asked = []

    def init(*where, **options):
        asked.append((*where, options["num_cpus"], options["include_dashboard"]))
        raise RuntimeError("the raylet is late")

    monkeypatch.setattr(ray, "init", init)
    for name in ("RAY_ADDRESS", "RAY_AUTH_TOKEN", "RAY_USAGE_STATS_ENABLED"):
        monkeypatch.setenv(name, "")  # so that what is set now is unset afterwards
        monkeypatch.delenv(name)
    with pytest.raises(MirageError, match="Ray did not start: the raylet is late"):
        run(numbers(3), backend="ray", jobs=2)
    assert asked == [("local", 2, False)]
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


def test_rays_cluster_that_does_not_answer_is_named(run, monkeypatch):
    pytest.importorskip("ray", reason="ray is an extra: [cluster]")
    monkeypatch.setenv("RAY_ADDRESS", "nowhere")
    with pytest.raises(MirageError, match=r"no cluster answers at nowhere \(RAY_ADDRESS\)"):
        run([Config(1)], backend="ray")
