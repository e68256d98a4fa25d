"""What the README shows runs, and the files it names exist."""

import re
from pathlib import Path

from typer.testing import CliRunner

from mirage.cli import app

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_python_runs(capsys):
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "Dormancy(share=" in printed
    (shown,) = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    # Last digits are the processor's; the table's columns and its width are not.
    ours, told = (text.partition("Dormancy(")[0] for text in (printed, shown))
    assert ours.splitlines()[:4] == told.splitlines()[:4]
    assert len(ours) == len(told)


def test_its_example_is_audited(tmp_path, monkeypatch):
    command = re.search(r"\.venv/bin/mirage (audit --example.*?) *#", README)[1]
    monkeypatch.chdir(tmp_path)
    ran = CliRunner().invoke(app, command.split())
    assert ran.exit_code == 0, ran.output
    assert "10 abilities" in ran.output
    assert Path("report/report.html").exists()


def test_its_folders_and_links_exist():
    folders = re.findall(r"`((?:\w+/)+)`", README)
    assert len(folders) > 10
    links = re.findall(r"\]\(((?!\.\./)[^)#:]+)\)", README)
    missing = [name for name in [*folders, *links] if not (ROOT / name).exists()]
    assert not missing
