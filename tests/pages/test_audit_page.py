"""The page that audits real logs: its folder, its claims by hand, its sentences."""

import io
import re
from pathlib import Path

import polars as pl
from rich.console import Console

from mirage import datasets
from mirage.audit import audit, terminal
from mirage.book.claims import Found
from mirage.pages import audit as page
from mirage.statistics.intervals import clopper_pearson_interval


def rows(task, scores, **more):
    common = {"family": "toy", "task": task, "metric": "exact match", "n_items": 1000}
    return [
        common | {"model": f"m{i}", "n_params": 10**8 * 2**i, "score": y, "source": "test"} | more
        for i, y in enumerate(scores)
    ]


JUMP = [0.1, 0.1, 0.1, 0.1, 0.6, 0.6, 0.6, 0.6]
FLAT = [0.25] * 8
TABLE = pl.DataFrame(
    [
        *rows("addition", JUMP, shots=2),
        *rows("addition", FLAT, shots=4),
        *rows("hendrycksTest-law", FLAT, shots=0),
        *rows("hendrycksTest-art", JUMP, shots=0),
        *rows("hellaswag", JUMP, shots=None),
    ],
    infer_schema_length=None,
)


def test_findings_and_sentences_by_hand(few_count):
    found = audit(TABLE, chance={page.MMLU: 0.25, "addition": 0.0})
    kinds = dict(zip(found.verdicts["task"] + found.verdicts["protocol"], found.kinds, strict=True))
    assert kinds["additionshots 2"] == "jump"
    results = page.findings(found, found.where(pl.col("task") == "nothing"))
    half = clopper_pearson_interval(1, 2)
    assert results["audit-chance"] == Found(0.5, half, 2, "subjects")
    assert results["audit-addition"] == Found(0.5, half, 2, "curves")
    assert results["audit-olmo"] == "the data are not here"
    texts = page.read_aloud(page.one(found, "addition", "shots 2"), "a")
    assert texts["a-verdict"] == "jump, one metric only"
    assert (texts["a-below"], texts["a-above"]) == ("800M", "1.6B")
    assert (texts["a-most-below"], texts["a-score-above"]) == ("0.1", "0.6")
    assert texts["a-models"] == "8"


def test_a_card_is_read_with_its_highest_score_before_the_jump_and_its_fall_after_it():
    found = audit(pl.DataFrame(rows("addition", [0.12, 0.1, 0.1, 0.11, 0.6, 0.6, 0.5, 0.7])))
    texts = page.read_aloud(found, "a")
    assert (texts["a-below"], texts["a-most-below"]) == ("800M", "0.12")
    assert (texts["a-above"], texts["a-score-above"]) == ("1.6B", "0.6")
    assert (texts["a-later"], texts["a-score-later"]) == ("6.4B", "0.5")


def test_the_folder_holds_real_logs_and_a_table(tmp_path):
    names = ("lm_eval", "pythia_arithmetic", "olmo_ladder")
    data = {name: datasets.load(name) for name in names}
    files = sorted(path.name for path in page.folder(data, tmp_path).iterdir())
    assert len(files) == 9
    assert files[0] == "pythia-1.4b_step143000_zero-shot.json"
    table = pl.read_csv(tmp_path / "pythia-arithmetic.csv")
    assert table.shape == (70, 7)
    assert table["n_items"].unique().to_list() == [5000]
    # Exact match of 5 000 answers is a whole number of them.
    assert ((table["score"] * 5000).round() - table["score"] * 5000).abs().max() < 1e-6
    ladder = page.ladder(data)
    assert ladder["model"].n_unique() == 25


def test_the_terminal_of_the_page_is_no_wider_than_its_box():
    """The box of an output shows about 78 characters; the last column is the one that matters."""
    source = (Path(__file__).parents[2] / "notebooks" / "audit.ipynb").read_text(encoding="utf-8")
    (width,) = map(int, re.findall(r"Console\(width=(\d+)", source))
    assert width <= 78
    console = Console(width=width, file=io.StringIO())
    terminal.show(audit(TABLE, chance={page.MMLU: 0.25, "addition": 0.0}), console)
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    (header,) = [line for line in lines if "what the data say" in line]
    assert header.index("what the data say") < width / 2, "it has the wider half"


def test_the_metric_read_aloud_is_the_card_s():
    found = page.one(audit(TABLE, chance={"addition": 0.0}), "addition", "shots 2")
    name = page.read_aloud(found, "a")["a-metric"]
    (card,) = found._cards()
    assert card["metric"] == card["curves"][0]["metric"] == name == "exact match"
