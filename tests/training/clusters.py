"""Clusters of two workers on this machine, for as long as a test needs them."""

import os
import random
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest


@contextmanager
def dask():
    """Yield the address of a Dask scheduler."""
    distributed = pytest.importorskip("distributed", reason="dask is an extra: [cluster]")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    with distributed.LocalCluster(**options) as cluster:
        yield cluster.scheduler_address


@contextmanager
def ray():
    """Yield the address of a Ray cluster; of its processes none survives."""
    environment = {
        "RAY_AUTH_MODE": "token",  # nobody else on the network is to run code here
        "RAY_AUTH_TOKEN": secrets.token_hex(32),  # else one in the home folder counts
        "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",
        "RAY_USAGE_STATS_ENABLED": "0",
        # However busy the machine is: it must start, no matter when.
        "RAY_agent_register_timeout_ms": "600000",
        "RAY_raylet_start_wait_time_s": "600",
        "RAY_worker_register_timeout_seconds": "600",
    }
    # A short path: that of a socket in it has 107 bytes at most.
    with (
        tempfile.TemporaryDirectory(prefix="ray-") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in environment.items():
            patch.setenv(name, value)
        # Once the variables are set: Ray reads them as it is imported.
        pytest.importorskip("ray", reason="ray is an extra: [cluster]")
        head, address = _ray_head(folder)
        try:
            yield address
        finally:
            below = []
            with suppress(psutil.NoSuchProcess):  # else the test says why it is gone
                below = psutil.Process(head.pid).children(recursive=True)
            head.terminate()
            head.wait()
            head.stdout.close()
            _, alive = psutil.wait_procs(below, timeout=300)
            for process in alive:
                process.kill()
    assert not alive, f"Ray left processes behind: {alive}"


def _ray_head(folder):
    """Start Ray's first process, which keeps all others; return it, and the cluster's address."""
    code = f"from mirage.processes import end_with; end_with({os.getpid()}); "
    code += "from ray.scripts.scripts import main; main()"
    command = [sys.executable, "-P", "-c", code, "start", "--head", "--block", "--port=0"]
    command += ["--num-cpus=2", "--node-ip-address=127.0.0.1", f"--temp-dir={folder}"]
    command += ["--include-dashboard=false", "--no-monitor", "--include-log-monitor=False"]
    head = subprocess.Popen(
        [*command, f"--runtime-env-agent-port={_free_port()}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=True,
    )
    _spare_the_agent(Path(folder), head)
    told = ""
    for line in head.stdout:  # which ends with the process
        told += line
        if address := re.search(r"ray start --address='(.+)'", line):
            return head, address[1]
    head.wait()
    head.stdout.close()
    pytest.fail(f"Ray did not start: {told}")


def _spare_the_agent(folder, head):
    """Say in the dashboard agent's place that it has no ports, as it would itself.

    Ray waits for its word 15 seconds and no more, which no option changes; on a busy machine it
    comes later.
    """
    end = time.monotonic() + 600
    while not (started := list(folder.glob("session_*/gcs_server_port_*"))):
        if head.poll() is not None:
            return
        if time.monotonic() > end:
            head.kill()
            return
        time.sleep(0.05)
    for kind in ("metrics_agent", "metrics_export", "dashboard_agent_listen"):
        name = started[0].name.replace("gcs_server", kind)
        (started[0].parent / name).write_text("-1", encoding="utf-8")


def _free_port():
    """Find one of those that no system gives out by itself, so that it stays free."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("", port))
            return port
    pytest.fail("found no free port")
