"""`mirage audit`: from logs to verdicts, files and a report in which text stays text."""

import inspect
import io
import json
import os
import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from bs4 import BeautifulSoup
from rich.console import Console
from typer.testing import CliRunner

from mirage.audit import Audit, audit, terminal, words
from mirage.audit.cards import anchor
from mirage.audit.report import to_json
from mirage.audit.write import COLUMNS
from mirage.cli import app
from mirage.emergence.ability_jumps import FALSE_SHARE, LEVEL, STAGES
from mirage.files import DataError, sha256

SIZES = np.geomspace(1e8, 1e11, 8)
P = np.exp(-((SIZES / 2e9) ** -0.5))
HOSTILE = '<img src=x onerror="alert(1)">|</script><script>alert(2)</script>'


def rows(task: str, metric: str, scores, family: str = "toy", **more) -> list[dict]:
    common = {"family": family, "task": task, "metric": metric, "source": "test", **more}
    return [
        common | {"model": f"{family}-{i}", "n_params": int(n), "score": float(y)}
        for i, (n, y) in enumerate(zip(SIZES, scores, strict=True))
    ]


def table() -> pl.DataFrame:
    """An ability that only the metric makes, one below chance, one whose models are no curve."""
    counts = {"n_items": 500}
    mixed = rows("mixed", "exact match", P, revision=None, **counts)
    for i, row in enumerate(mixed):
        row["revision"] = f"step{i % 2}"
    return pl.DataFrame(
        [
            *rows("sums", "exact match", (P**5 * 500).round() / 500, **counts),
            *rows("sums", "token accuracy", P, stderr=0.01, **counts),
            *rows("riddles", "accuracy", np.full(8, 0.25), chance=0.25, **counts),
            *mixed,
        ],
        infer_schema_length=None,
    )


@pytest.fixture(scope="module")
def judged() -> Audit:
    return audit(table(), chance={"sums": 0.0})


def test_each_kind_of_ability_has_its_verdict(judged):
    found = dict(judged.verdicts.select("task", "verdict").iter_rows())
    assert found == {"sums": "metric", "riddles": "never-above-chance", "mixed": ""}
    (note,) = judged.verdicts.filter(task="mixed")["note"]
    assert "revision" in note
    assert judged.verdicts["task"].to_list() == ["sums", "riddles", "mixed"]  # by interest
    assert judged.summary.startswith("3 abilities: 1 looks emergent (1 because of the metric)")


def test_the_same_table_gives_the_same_verdicts(judged):
    assert audit(table(), chance={"sums": 0.0}).verdicts.equals(judged.verdicts)
    shuffled = table().sample(fraction=1, shuffle=True, seed=0)
    again = audit(shuffled, chance={"sums": 0.0}).verdicts.select("task", "verdict").sort("task")
    assert again.equals(judged.verdicts.select("task", "verdict").sort("task"))


def test_the_files_of_an_audit(judged, tmp_path):
    assert judged.report(tmp_path / "new" / "folder") == tmp_path / "new" / "folder" / "report.html"
    folder = tmp_path / "new" / "folder"
    names = {"report.html", "verdicts.csv", "scores.parquet", "summary.md", "audit.json"}
    assert {path.name for path in folder.iterdir()} == names
    verdicts = pl.read_csv(folder / "verdicts.csv")
    assert verdicts.columns == list(COLUMNS)
    assert verdicts.height == 3
    made = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
    assert made["options"]["chance"] == {"sums": 0.0}
    assert made["versions"].keys() >= {"mirage", "numpy", "scipy", "polars"}
    summary = (folder / "summary.md").read_text(encoding="utf-8")
    assert "## Because of the metric (1)" in summary


def test_every_argument_is_recorded(scores, tmp_path):
    """All but those that tell of the work, or remember it."""
    table = pl.read_csv(scores).rename({"score": "points"}).drop("n_params")
    table.write_csv(scores)
    sizes, out = tmp_path / "sizes.csv", tmp_path / "out"
    named = {"model": [f"toy-{i}" for i in range(8)], "n_params": SIZES.astype(np.int64)}
    pl.DataFrame(named).write_csv(sizes)
    options = ["--columns", "score=points", "--sizes", sizes, "--chance", "sums=0", "--seed", 3]
    ran = run(scores, *options, "--strict", "--backend", "local", "--out", out)
    assert ran.exit_code == 0, ran.output
    made = json.loads((out / "audit.json").read_text(encoding="utf-8"))
    assert made["options"] == {
        "logs": [str(scores)],
        "x": "n_params",
        "chance": {"sums": 0.0},
        "n_params": str(sizes),
        "columns": {"points": "score"},
        "strict": True,
        "seed": 3,
        "backend": "local",
    }
    arguments = inspect.signature(audit).parameters.keys()
    assert made["options"].keys() == arguments - {"progress", "cache"}
    assert made["files"] == [
        {"file": str(path), "sha256": sha256(path)} for path in sorted([scores, sizes])
    ]


def test_sizes_are_recorded_however_they_are_given(scores, tmp_path):
    pl.read_csv(scores).drop("n_params").write_csv(scores)
    sizes = {f"toy-{i}": n for i, n in enumerate(SIZES.astype(np.int64))}
    found = audit(iter([scores]), n_params=sizes)
    found.report(tmp_path / "out")
    made = json.loads((tmp_path / "out" / "audit.json").read_text(encoding="utf-8"))
    assert made["options"]["logs"] == [str(scores)]
    assert {name: int(n) for name, n in made["options"]["n_params"].items()} == sizes
    assert [one["file"] for one in made["files"]] == [str(scores)]


def test_the_table_is_converted_once_for_all_abilities(judged, monkeypatch):
    """Once for each would take minutes for thousands of them."""
    calls = []
    convert = pl.DataFrame.to_dicts
    monkeypatch.setattr(pl.DataFrame, "to_dicts", lambda t: calls.append(1) or convert(t))
    terminal.show(judged, Console(width=160, file=io.StringIO()), every=True)
    assert len(calls) == 1


def test_the_folder_of_all_files_is_looked_for_once(monkeypatch):
    calls = []
    common = os.path.commonpath
    monkeypatch.setattr(os.path, "commonpath", lambda paths: calls.append(1) or common(paths))
    table = rows("a", "exact match", P, file="logs/a/x.csv")
    table += rows("b", "exact match", P, file="logs/b/x.csv")
    found = replace(audit(pl.DataFrame(table)), files=("logs/a/x.csv", "logs/b/x.csv"))
    page = BeautifulSoup(found.html(), "html.parser")
    abilities = json.loads(page.find(id="data").string)["abilities"]
    assert sorted(one["files"][0] for one in abilities) == ["a/x.csv", "b/x.csv"]
    assert len(calls) == 1


def test_json_on_a_terminal_moves_no_cursor(scores):
    name = "sums\x1b]0;x\x07\x9b31m\u202e"
    text = scores.read_text(encoding="utf-8").replace("sums", name)
    scores.write_text(text, encoding="utf-8")
    ran = run(scores, "--json")
    assert name in {row["task"] for row in json.loads(ran.stdout)}
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", ran.stdout)


def test_what_the_report_needs_is_in_it(judged):
    page = BeautifulSoup(judged.html(), "html.parser")
    assert not page.find_all(["img", "iframe"])
    # An icon of nothing, or else a browser asks the server of a report for one.
    assert [link["href"] for link in page.find_all("link")] == ["data:,"]
    assert not [script for script in page.find_all("script") if script.get("src")]
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", judged.html())
    data = json.loads(page.find(id="data").string)
    (sums,) = [a for a in data["abilities"] if a["task"] == "sums"]
    sharp, smooth = sums["curves"]
    assert (sharp["metric"], sharp["sharp"], smooth["sharp"]) == ("exact match", True, False)
    assert [point["y"] for point in sharp["points"]] == pytest.approx(
        (P**5 * 500).round() / 500, rel=1e-4
    )
    for point in sharp["points"]:
        assert point["low"] <= point["y"] <= point["high"]
    assert sharp["dormant_share"] > smooth["dormant_share"]
    assert len(sharp["trend"]) == 8


def test_the_level_of_a_jump_stands_where_jumps_are_named(judged, tmp_path):
    said = " ".join(BeautifulSoup(judged.html(), "html.parser").main.get_text(" ").split())
    assert words.JUMPS in said
    assert f"p ≤ {LEVEL:g} and q ≤ {FALSE_SHARE:g}" in words.JUMPS
    assert f"up to {STAGES[-1]} where one lies near a level" in said
    shown = " ".join(run("--help").stdout.replace("│", " ").split())
    assert "Jumps are named at p <= 0.05 and q <= 0.25" in shown
    assert "can change when others join it" in shown
    scores = np.where(SIZES > 2e9, 0.6, 0.1)
    jump = audit(pl.DataFrame(rows("sums", "exact match", scores, n_items=1000)))
    assert jump.kinds == ["jump"]
    for found, expected in ((jump, True), (judged, False)):
        console = Console(file=io.StringIO(), width=500)
        terminal.show(found, console)
        assert (words.JUMPS in console.file.getvalue()) == expected
        summary = found.report(tmp_path / str(expected)).with_name("summary.md")
        assert (words.JUMPS in summary.read_text(encoding="utf-8")) == expected


def test_a_card_is_not_said_to_decide_what_it_cannot():
    assert words.GLOSSARY["undecided"].endswith(
        "names what would decide, where there is something simple."
    )


def test_names_from_logs_are_data_and_never_markup():
    hostile = pl.DataFrame(rows(HOSTILE, "exact match", P, family=HOSTILE, n_items=100))
    found = audit(hostile)
    page = BeautifulSoup(found.html(), "html.parser")
    assert len(page.find_all("script")) == 2
    assert not page.find_all("img")
    assert json.loads(page.find(id="data").string)["abilities"][0]["task"] == HOSTILE
    shown = BeautifulSoup(found._repr_html_(), "html.parser")
    assert not shown.find_all(["img", "script"])
    from mirage.audit.write import summary

    assert "<img" not in summary(found).replace("\\<", "")


def test_json_in_a_script_cannot_end_it():
    text = to_json({"a": "</script><!--", "b": [1.23456789, float("inf")]})
    assert "<" not in text
    assert json.loads(text) == {"a": "</script><!--", "b": [1.2346, None]}


# --- the command ---------------------------------------------------------------------------------


def run(*arguments: object, columns: int = 160):
    return CliRunner().invoke(app, ["audit", *map(str, arguments)], env={"COLUMNS": str(columns)})


@pytest.fixture
def scores(tmp_path):
    path = tmp_path / "scores.csv"
    table().filter(pl.col("task") != "mixed").drop("revision").write_csv(path)
    return path


@pytest.mark.parametrize("width", [160, 50])
def test_the_command_names_what_is_worth_a_look(scores, width):
    ran = run(scores, "--chance", "sums=0", columns=width)
    assert ran.exit_code == 0, ran.output
    assert "2 abilities: 1 looks emergent" in " ".join(ran.stdout.split())
    assert "sums" in ran.stdout
    assert max(map(len, ran.stdout.splitlines())) <= width


def test_json_prints_the_rows_and_nothing_else(scores, tmp_path):
    ran = run(scores, "--json", "--out", tmp_path / "report")
    assert {row["task"] for row in json.loads(ran.stdout)} == {"sums", "riddles"}
    assert (tmp_path / "report" / "report.html").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--chance", "sums=2"], "from 0 to below 1"),
        (["--chance", "sums"], "expected NAME=VALUE"),
        (["nowhere"], "does not exist"),
    ],
)
def test_wrong_options_are_said(scores, options, message):
    ran = run(scores, *options)
    assert ran.exit_code == 2
    assert message in " ".join(ran.output.replace("│", " ").split())


def test_a_folder_with_nothing_readable_says_what_would_be_read(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(DataError):
        audit(tmp_path)


def test_a_bad_file_is_named_and_fails_only_under_strict(scores):
    (scores.parent / "torn.json").write_text('{"results": {')
    ran = run(scores.parent)
    assert ran.exit_code == 0, ran.output
    assert "torn.json" in ran.stderr
    assert run(scores.parent, "--strict").exit_code == 1


def test_shots_of_one_model_are_protocols_of_their_own(tmp_path):
    """Zero and five shots of each model are two abilities; a model with one of them is in one."""
    for shots in (0, 5):
        for i, (n, p) in enumerate(zip(SIZES, P, strict=True)):
            if (i, shots) == (7, 0):
                continue
            log = {
                "results": {"sums": {"exact_match": round(float(p) * 500) / 500}},
                "config": {"model_args": f"pretrained=acme/toy-{n / 1e6:.0f}m"},
                "n-shot": {"sums": shots},
                "n-samples": {"sums": {"original": 500, "effective": 500}},
            }
            (tmp_path / f"{i}-{shots}.json").write_text(json.dumps(log))
    found = audit(tmp_path).verdicts.sort("protocol")
    assert found.select("protocol", "n_models").rows() == [("shots 0", 7), ("shots 5", 8)]
    assert found["verdict"].is_in(list(words.VERDICTS)[:7]).all()


def test_scores_that_do_not_rise_are_counted_apart_from_those_not_judged():
    flat = audit(pl.DataFrame(rows("flat", "exact match", np.full(8, 0.6), n_items=1000)))
    assert flat.verdicts["verdict"].to_list() == [""]
    assert flat.summary == "1 ability: none looks emergent, 1 without a rise."
    page = BeautifulSoup(flat.html(), "html.parser")
    assert json.loads(page.find(id="data").string)["abilities"][0]["verdict"] == "flat"


def test_the_headline_counts_each_ability_once():
    verdicts = [*words.VERDICTS, "metric"]
    text = words.headline(verdicts)
    assert text.startswith(f"{len(verdicts)} abilities: 5 look emergent")
    inner = re.sub(r"\(.*?\)", "", text.partition(": ")[2])
    assert sum(map(int, re.findall(r"\d+", inner))) == len(verdicts)


def shown(found: Audit, tmp_path) -> str:
    """What the terminal and summary.md say, in one line."""
    console = Console(width=300, file=io.StringIO())
    terminal.show(found, console)
    found.report(tmp_path)
    return " ".join((console.file.getvalue() + (tmp_path / "summary.md").read_text()).split())


STEP = [0.1, 0.1, 0.1, 0.1, 0.6, 0.6, 0.6, 0.6]


def test_a_jump_of_a_lone_metric_is_not_one_under_every_metric(tmp_path):
    alone = rows("alone", "exact match", STEP, n_items=1000)
    both = rows("both", "exact match", STEP, n_items=1000)
    both += rows("both", "token accuracy", STEP, stderr=0.01)
    found = audit(pl.DataFrame(alone + both, infer_schema_length=None))
    assert found.verdicts["verdict"].to_list() == ["jump", "jump"]  # of tools that read it
    assert found.kinds == ["jump", "jump"]
    assert dict(zip(found.verdicts["task"], found.shades, strict=True)) == {
        "both": "jump",
        "alone": "jump-alone",
    }
    text = "(1 jump under every metric, 1 jump with only one metric at hand)"
    assert text in found.summary
    said = shown(found, tmp_path)
    assert "## Jump, one metric only (1) - toy, alone" in said
    assert "│ jump, one metric only │" in said
    page = BeautifulSoup(found.html(), "html.parser")
    data = json.loads(page.find(id="data").string)
    assert {a["task"]: data["names"][a["verdict"]] for a in data["abilities"]} == {
        "both": "jump under every metric",
        "alone": "jump, one metric only",
    }
    assert "jump, one metric only: 1" in page.select_one(".chips").get_text()


def test_a_chance_level_that_is_not_known_is_said_where_it_matters(tmp_path):
    table = rows("riddles", "acc", STEP, n_items=1000) + rows("rules", "acc", STEP, n_items=1000)
    table += rows("sums", "exact match", STEP, n_items=1000)  # of a text: there is no guess
    found = audit(pl.DataFrame(table))
    line = "Chance is not known for: {}. State it with `--chance {}=0.25`; the height of a jump"
    said = shown(found, tmp_path)
    assert line.format("riddles, rules", "riddles") in said
    assert line.format("riddles, rules", "riddles").replace("`", "\\`") in said  # as Markdown
    assert found.without_chance == ["riddles", "rules"]
    said = shown(audit(pl.DataFrame(table), chance={"riddles": 0.25}), tmp_path)
    assert line.format("rules", "rules") in said
    said = shown(audit(pl.DataFrame(table), chance={"r*": 0.25}), tmp_path)
    assert "Chance is not known" not in said


def test_exact_match_beside_a_share_of_choices_is_of_choices():
    table = rows("riddles", "exact match", STEP, n_items=1000)
    table += rows("riddles", "multiple choice grade", STEP, n_items=1000)
    assert audit(pl.DataFrame(table)).without_chance == ["riddles"]


def test_a_report_of_some_abilities_counts_their_models_and_files():
    a = rows("a", "exact match", P, file="a.csv")
    b = rows("b", "exact match", P, family="other", file="b.csv")[:6]
    found = audit(pl.DataFrame(a + b))
    heading = r"2 abilities of 2 families of models, 14 models, from 2 files\."
    assert re.search(heading, found.html())
    some = found.where(pl.col("task") == "b")
    assert re.search(r"1 ability of 1 family of models, 6 models, from 1 file\.", some.html())
    one = audit(pl.DataFrame(a[:1])).html()
    assert re.search(r"1 ability of 1 family of models, 1 model, from 1 file\.", one)


def test_a_metric_that_is_not_drawn_as_it_was_logged_says_so():
    table = rows("t", "acc_norm", P, n_items=500) + rows("t", "bits_per_byte", 2 - P, stderr=0.01)
    found = audit(pl.DataFrame(table, infer_schema_length=None), chance={"t": 0.0})
    page = BeautifulSoup(found.html(), "html.parser")
    (ability,) = json.loads(page.find(id="data").string)["abilities"]
    labels = {curve["metric"]: curve["label"] for curve in ability["curves"]}
    assert labels == {"normalised accuracy": "", "bits per byte": "rescaled: exp(−value)"}
    assert (ability["metric"], ability["logged"]) == ("normalised accuracy", "acc_norm")
    assert found.verdicts["metric"].to_list() == ["acc_norm"]


def test_readers_meet_one_name_for_log_odds():
    every = " ".join([*words.GLOSSARY.values(), words.LIMITS])
    assert "log odds" in every
    assert "logit" not in every


def test_an_audit_goes_on_where_it_was_and_says_the_same(tmp_path):
    steps = []
    first = audit(table(), cache=tmp_path, progress=lambda *step: steps.append(step))
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept
    assert {stage for stage, *_ in steps} >= {"curves tested for jumps"}
    again = audit(table(), cache=tmp_path)
    assert again.verdicts.equals(first.verdicts)
    assert sorted(path.name for path in tmp_path.iterdir()) == kept
    assert audit(table()).verdicts.equals(first.verdicts)


def test_a_backend_that_is_none_is_said(scores):
    ran = run(scores, "--backend", "spark")
    assert ran.exit_code == 2
    assert "dask" in ran.output


def test_a_link_to_a_card_outlives_other_abilities_and_verdicts(judged):
    """The name of a card comes from its ability alone; without a script it is there, too."""

    def names(found):
        page = BeautifulSoup(found.html(), "html.parser")
        cards = json.loads(page.find(id="data").string)["abilities"]
        assert [p["id"] for p in page.noscript.find_all("p", id=True)] == [c["id"] for c in cards]
        return {card["task"]: card["id"] for card in cards}

    every = names(judged)
    some = names(judged.where(pl.col("task") != "sums"))
    assert some == {task: name for task, name in every.items() if task != "sums"}
    assert all(re.fullmatch("[a-z0-9-]+", name) for name in every.values())


def test_abilities_whose_letters_agree_have_cards_of_their_own():
    names = [("GPT-3", "a b", ""), ("GPT 3", "a b", ""), ("3", "a b gpt", ""), ("詞", "題", "")]
    names += [("GPT-3", "a", "b"), (HOSTILE, HOSTILE, HOSTILE)]
    found = {anchor(*one) for one in names}
    assert len(found) == len(names)
    assert all(re.fullmatch("[a-z0-9-]{9,70}", one) for one in found)


def test_an_interrupted_report_leaves_no_file(judged, tmp_path, monkeypatch):
    def stop(self, title=""):
        raise KeyboardInterrupt

    monkeypatch.setattr(Audit, "html", stop)
    with pytest.raises(KeyboardInterrupt):
        judged.report(tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_shots_and_prompts_of_a_table_are_protocols_of_their_own(tmp_path):
    """Each model has both numbers of shots and both prompts, under names that people use."""
    lines = ["model,task,metric,score,n_items,number_of_shots,prompt_type"]
    lines += [
        f"toy-{n / 1e6:.0f}M,sums,exact match,{round(p**k * 500) / 500},500,{shots},{prompt}"
        for n, p in zip(SIZES, P, strict=True)
        for k, (shots, prompt) in enumerate([(0, "open"), (0, "closed"), (5, "open")], 1)
    ]
    (tmp_path / "scores.csv").write_text("\n".join(lines))
    found = audit(tmp_path)
    assert sorted(found.verdicts["protocol"]) == [
        "shots 0, prompt template closed",
        "shots 0, prompt template open",
        "shots 5, prompt template open",
    ]
    assert found.verdicts["n_models"].to_list() == [8, 8, 8]
