"""What the README shows runs, and the files it names exist."""

import json
import re
from pathlib import Path

from typer.testing import CliRunner

from mirage.cli import app
from mirage.readers import read

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


def test_its_table_of_scores_is_read_and_shown_wherever_users_look(tmp_path, monkeypatch):
    (block,) = re.findall(r"```csv\n(.*?)```", README, re.DOTALL)
    path = tmp_path / "scores.csv"
    path.write_text(block, encoding="utf-8")
    scores = read(path).scores
    row = scores.select("model", "n_params", "task", "metric", "score", "n_items", "chance").row(0)
    assert row == ("pythia-70m", 70_000_000, "riddles", "accuracy", 0.26, 500, 0.25)
    assert scores["higher_is_better"].all()
    notebook = json.loads((ROOT / "notebooks" / "audit.ipynb").read_text(encoding="utf-8"))
    page = "\n".join("".join(cell["source"]) for cell in notebook["cells"])
    monkeypatch.setenv("COLUMNS", "80")
    shown = CliRunner().invoke(app, ["audit", "--help"]).output
    for text in (README, page, shown):
        plain = " ".join(text.replace("`", "").split())
        assert " ".join(block.split()) in plain
        for part in (
            "A table needs a column each for model and score, or a column per metric such as acc.",
            "One row per model, task and metric",
        ):
            assert part in plain
        (named,) = re.findall(r"Useful besides: (.*?)\.", plain)
        assert set(re.findall(r"\w+", named.replace("(else read from the model's name)", ""))) == {
            "task",
            "metric",
            "n_params",
            "n_items",
            "stderr",
            "chance",
            "higher_is_better",
        }


def test_its_folders_and_links_exist():
    folders = re.findall(r"`((?:\w+/)+)`", README)
    assert len(folders) > 10
    links = re.findall(r"\]\(((?!\.\./)[^)#:]+)\)", README)
    missing = [name for name in [*folders, *links] if not (ROOT / name).exists()]
    assert not missing
