"""The continuous integration's files are readable, and name commands that exist."""

import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
each = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def load(path: Path) -> dict:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    workflow["on"] = workflow.pop(True)  # YAML 1.1 reads the key `on` as true
    return workflow


def steps(workflow: dict) -> list[dict]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def commands(path: Path) -> str:
    return "\n".join(step.get("run", "") for step in steps(load(path)))


def test_there_are_three():
    assert [path.stem for path in WORKFLOWS] == ["ci", "publish", "weekly"]


@each
def test_asks_for_no_more_than_it_needs(path):
    workflow = load(path)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job.get("permissions", {}).get("contents") != "write"
        assert job["runs-on"] == "ubuntu-latest"
        assert job.get("timeout-minutes", 10) <= 120


@each
def test_actions_are_pinned_to_a_commit(path):
    """A tag can be moved to other code; the version stands beside the commit as a comment."""
    used = [step["uses"] for step in steps(load(path)) if "uses" in step]
    assert used
    for action in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", action)
    lines = re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))
    assert len(lines) == len(used)
    assert all(re.fullmatch(r"\S+  # v\d+\.\d+\.\d+", line) for line in lines)


@each
def test_names_make_targets_that_exist(path):
    targets = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    used = set(re.findall(r"\bmake ([a-z]+)", commands(path)))
    assert used <= targets


def test_each_does_what_it_is_for():
    ci, publish, weekly = map(load, WORKFLOWS)
    assert set(ci["on"]) == {"push", "pull_request"}
    assert publish["on"].keys() == {"workflow_run", "workflow_dispatch"}
    assert publish["on"]["workflow_run"] == {
        "workflows": [ci["name"]],
        "types": ["completed"],
        "branches": ["main"],
    }
    assert "cron" in weekly["on"]["schedule"][0]
    assert ".ci/run" in commands(WORKFLOWS[0])
    assert "make book PROFILE=paper" in commands(WORKFLOWS[1])
    assert "make lock" in commands(WORKFLOWS[2])
    assert "linkcheck" in commands(WORKFLOWS[2])


def test_only_a_push_that_ci_found_good_is_published():
    publish = load(WORKFLOWS[1])
    build, deploy = publish["jobs"]["build"], publish["jobs"]["deploy"]
    assert deploy["needs"] == "build"
    by_hand, after_ci = build["if"].split("||")
    assert by_hand.strip() == "github.event_name == 'workflow_dispatch'"
    assert set(after_ci.strip(" ()\n").split(" && ")) == {
        "github.event.workflow_run.conclusion == 'success'",
        "github.event.workflow_run.event == 'push'",  # a fork's branch may be called main, too
    }
    # By itself it would take the newest commit, which CI may not have seen.
    seen = "${{ github.event.workflow_run.head_sha || github.sha }}"
    assert build["steps"][0]["with"]["ref"] == seen


def test_a_second_lock_begins_anew():
    """What pip finds in an environment it does not upgrade, and all there would be locked."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.findall(r"-m venv (.*) && _build/lock/bin/", makefile) == ["--clear _build/lock"]


# Parts of a declared package that come with it, by the name under which they are imported.
CARRIED = {"llvmlite": "numba", "nltk": "rouge-score", "tokenizers": "transformers"}


def test_what_the_tests_import_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {re.match(r"[\w.-]+", line)[0] for lines in lists for line in lines}
    assert declared >= set(CARRIED.values())
    # Those in clients/ run in environments of their own.
    files = [path for path in (ROOT / "tests").rglob("*.py") if path.parent.name != "clients"]
    known = {"mirage", *CARRIED, *sys.stdlib_module_names, *(path.stem for path in files)}
    distributions = metadata.packages_distributions()
    lacking = {}
    for path in files:
        for name in set(re.findall(r"(?m)^\s*(?:import|from) (\w+)", path.read_text("utf-8"))):
            names = {re.sub("[._]", "-", one.lower()) for one in distributions.get(name, ())}
            if name not in known and names and names.isdisjoint(declared):
                lacking[name] = path.name
    assert not lacking


def test_ci_run_is_executable_bash_and_ends_in_make_test():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", script]).returncode == 0
    lines = script.read_text(encoding="utf-8").splitlines()
    assert "set -euo pipefail" in lines
    assert lines[-1].endswith("make test")


def locked(file):
    """Return the version of each package that a file of the lock names."""
    text = (ROOT / file).read_text(encoding="utf-8")
    found = re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)
    return {re.sub("[._]", "-", name.lower()): version for name, version in found}


def test_every_locked_package_has_a_hash():
    """All but two, of which an index of CPU builds has files of the same version."""
    lock, hashed = locked("requirements.lock"), locked("requirements.hashes")
    assert lock.items() - hashed.items() == {(n, lock[n]) for n in ("torch", "torchvision")}
    assert hashed.items() <= lock.items()
    text = (ROOT / "requirements.hashes").read_text(encoding="utf-8")
    for entry in re.split(r"\n(?=\w)", text)[1:]:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), entry


def test_the_locked_packages_run_on_the_oldest_python_that_we_promise():
    """A lock made on 3.11.7 may name packages that refuse the 3.11.2 of Debian 12."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = project["requires-python"].removeprefix(">=") + ".0"
    refused = []
    names = locked("requirements.lock")
    for name in names:
        needs = metadata.metadata(name).get("Requires-Python")
        if needs and oldest not in SpecifierSet(needs):
            refused.append(f"{name}: {needs}")
    assert len(names) > 100
    assert not refused
