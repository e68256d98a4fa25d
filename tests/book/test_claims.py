"""Verdicts follow from numbers by a rule, and survive the way through an executed notebook."""

import math
from pathlib import Path

import msgspec
import nbformat
import numpy as np
import papermill
import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from mirage.book import claims, landing, run, stamp
from mirage.book.claims import Claim, Found, Kind, judged, record
from mirage.book.rules import Below, Equals, Exceeds, Verdict
from mirage.formatting import number
from mirage.pages import figure_7, figure_11
from mirage.statistics import Interval, mean_interval

YES, NEARLY, NO, OPEN, NOT_TRIED = (
    Verdict.REPRODUCED,
    Verdict.DEVIATION,
    Verdict.NOT_REPRODUCED,
    Verdict.UNDECIDED,
    Verdict.NOT_ATTEMPTED,
)


POSITIVE = Exceeds(0)


def claim(rule=POSITIVE, **changes) -> Claim:
    given = {"id": "x", "kind": Kind.PAPER, "statement": "It is.", "rule": rule, "ours": 1.0}
    return Claim(**given | changes)


@pytest.mark.parametrize(
    ("ours", "interval", "verdict"),
    [  # the paper says 1, the band is [0.75, 1.25]; all of these are exact in binary
        (1.0, None, YES),
        (1.25, None, YES),  # the edge belongs to the band
        (0.75, None, YES),
        (1.26, None, NO),
        (0.74, None, NO),
        (1.2, (1.1, 1.25), YES),  # the whole interval lies in the band
        (1.2, (0.0, 9.0), OPEN),  # the estimate does, the interval does not
        (1.5, (1.25, 1.75), OPEN),  # the interval touches the band
        (1.5, (1.26, 1.75), NO),
        (0.5, (0.25, 0.75), OPEN),
        (0.5, (0.25, 0.74), NO),
        (1.5, (0.0, 3.0), OPEN),  # or covers it
    ],
)
def test_equals(ours, interval, verdict):
    rule = Equals(0.25)
    assert rule.verdict(1.0, ours, interval) is verdict
    assert claim(rule, published=1.0, ours=ours, interval=interval).verdict is verdict


@pytest.mark.parametrize(
    ("ours", "interval", "verdict"),
    [  # agreement within 0.25 of 1, the same phenomenon within 0.5
        (1.0, None, YES),
        (1.3, None, NEARLY),
        (1.6, None, NO),
        (1.0, (0.8, 1.2), YES),
        (1.0, (0.6, 1.2), NEARLY),
        (1.3, (1.2, 1.5), NEARLY),
        (1.3, (1.2, 1.6), OPEN),
        (1.6, (1.5, 1.7), OPEN),
        (1.6, (1.51, 1.7), NO),
    ],
)
def test_equals_with_a_wider_tolerance(ours, interval, verdict):
    assert Equals(0.25, loose=0.5).verdict(1.0, ours, interval) is verdict


@pytest.mark.parametrize(
    ("ours", "interval", "verdict"),
    [
        (0.6, None, YES),
        (0.5, None, NO),  # "above" is strict
        (0.4, None, NO),
        (0.6, (0.51, 0.7), YES),
        (0.6, (0.5, 0.7), OPEN),  # the threshold itself is not excluded
        (0.6, (0.4, 0.7), OPEN),
        (0.4, (0.3, 0.6), OPEN),  # on whichever side the estimate lies
        (0.4, (0.3, 0.5), NO),
    ],
)
def test_exceeds_and_below_are_mirror_images(ours, interval, verdict):
    assert Exceeds(0.5).verdict(None, ours, interval) is verdict
    mirrored = interval and (-interval[1], -interval[0])
    assert Below(-0.5).verdict(None, -ours, mirrored) is verdict


def test_exact_claims():
    assert Equals(0).verdict(0, 0.0, None) is YES
    assert Equals(0).verdict(0, 1e-300, None) is NO


def test_equals_needs_the_papers_number():
    with pytest.raises(ValueError, match="published=None"):
        _ = claim(Equals(1)).verdict


@given(
    st.sampled_from([Equals(0.5), Exceeds(0.3), Below(0.3)]),
    st.floats(-2, 2),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_a_wider_interval_is_less_certain_and_never_turns_a_verdict(rule, ours, narrow, more):
    one = rule.verdict(0.0, ours, (ours - narrow, ours + narrow))
    two = rule.verdict(0.0, ours, (ours - narrow - more, ours + narrow + more))
    assert two in (one, OPEN)


@given(st.sampled_from([Exceeds, Below]), st.floats(-2, 2), st.floats(0, 1), st.floats(0, 1))
def test_a_rule_and_its_opposite_never_agree(rule, ours, below, above):
    interval = (ours - below, ours + above)
    opposite = {Exceeds: Below, Below: Exceeds}[rule]
    both = {r(0.3).verdict(None, ours, interval) for r in (rule, opposite)}
    assert both in ({YES, NO}, {OPEN}, {NO, OPEN}, {NO})  # at the threshold itself both fail


def test_what_the_paper_does_not_claim_has_an_answer_and_no_reproduction():
    assert claim().answer == "reproduced"
    assert claim(kind=Kind.OURS).answer == "holds"
    assert claim(kind=Kind.IMPLIED, ours=-1.0).answer == "does not hold"
    assert claim(kind=Kind.OURS, interval=(-1.0, 1.0)).answer == "undecided"


def test_findings_are_added_to_what_was_declared():
    declared = [claim(id="a", ours=None), claim(id="b", ours=None)]
    one, two = judged(declared, {"a": Found(2.0, (1.0, 3.0), 5, "seeds"), "b": "no data"})
    assert (one.ours, one.interval, one.n, one.verdict) == (2.0, (1.0, 3.0), 5, YES)
    assert (two.reason, two.verdict) == ("no data", NOT_TRIED)


@pytest.mark.parametrize("found", [{}, {"a": "no data"}, {"a": "x", "b": "x", "c": "x"}])
def test_every_claim_has_a_finding_and_every_finding_a_claim(found):
    with pytest.raises(ValueError, match="expected one for each declared claim"):
        judged([claim(id="a"), claim(id="b")], found)


def test_not_attempted():
    assert claim(ours=None).verdict is NOT_TRIED
    given_up = claim(interval=(0.5, 2.0), n=3).not_attempted("no GPU")
    assert given_up.verdict is NOT_TRIED
    assert (given_up.ours, given_up.interval, given_up.n) == (None, None, None)
    assert given_up.reason == "no GPU"


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, np.float32("nan")])
@pytest.mark.parametrize("name", ["ours", "published"])
def test_number_that_no_rule_can_judge_is_refused(name, bad):
    with pytest.raises(ValueError, match=rf"claim x: {name} is .*, expected a finite number"):
        claim(**{name: bad})


@pytest.mark.parametrize("bad", [(0.0, math.inf), (math.nan, 1.0), (0.0, math.nan), (2.0, 1.0)])
def test_bad_interval_is_refused(bad):
    with pytest.raises(ValueError, match=r"claim x: interval is .*, expected two finite numbers"):
        claim(interval=bad)


def test_one_seed_has_no_interval():
    one_seed = mean_interval([0.5])
    assert math.isnan(one_seed.low)
    assert claim(ours=0.5, interval=one_seed).interval is None


def test_numpy_numbers_become_plain():
    made = claim(ours=np.float32(0.5), n=np.int64(3), interval=Interval(np.float64(0), np.int8(1)))
    assert (type(made.ours), type(made.n), type(made.interval[0])) == (float, int, float)
    msgspec.json.encode(made)  # which would refuse NumPy's


@pytest.mark.parametrize("ids", [[], ["a", "a"], ["a", "b", "a"]])
def test_ids_are_unique_and_there_is_one(ids):
    with pytest.raises(ValueError, match="expected unique ids and at least one"):
        record("figure-0", [claim(id=name) for name in ids])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (0, "0"),
        (-0.0, "0"),
        (0.12345, "0.123"),
        (-0.5, "−0.5"),
        (99.96, "100"),
        (999.4, "999"),
        (999.6, "1000"),  # not 1e+03
        (-6154.2, "−6154"),
        (402_376, "402376"),
        (2.66e-5, "2.66e−05"),
    ],
)
def test_number(value, text):
    assert number(value) == text


def test_html_is_escaped_and_complete():
    html = claims.to_html(
        [claim(statement="<b>a & b</b>", reason='"<i>', published=0.25, interval=(0.5, 2), n=4)]
    )
    assert "<b>" not in html
    assert "<i>" not in html
    head, kind, body = BeautifulSoup(html, "html.parser").find_all("tr")
    assert kind.th.text == "The paper's claims (1)"
    assert [th.text for th in head.find_all("th")] == ["claim", "paper", "ours", "rule", "verdict"]
    assert [td.text for td in body.find_all("td")] == [
        '<b>a & b</b> ("<i>)',
        "0.25",
        "1 [0.5, 2], n = 4",
        "above 0",
        "reproduced",
    ]


def test_each_verdict_has_its_own_badge():
    badges = {claims.label_of(verdict) for verdict in Verdict}
    assert len(badges) == 5
    assert {BeautifulSoup(b, "html.parser").span["class"][1] for b in badges} == {
        "verdict-reproduced",
        "verdict-deviation",
        "verdict-not-reproduced",
        "verdict-undecided",
        "verdict-not-attempted",
    }


@pytest.mark.parametrize(("of", "shown"), [("seeds", "1 seed"), ("families", "1 family")])
def test_one_of_a_kind_is_singular(of, shown):
    assert claims.rows([claim(n=1, n_of=of)])[0][2] == f"1, n = {shown}"


RECORDED = [
    Claim(
        id="toy-1",
        kind=Kind.PAPER,
        place="Figure 0",
        statement="P(x | y) < 1 & α\nholds",
        rule=Equals(0.1, loose=0.2),
        published=1.0,
        ours=1.15,
        interval=(1.12, 1.18),
        n=3,
        n_of="seeds",
    ),
    Claim(id="toy-2", kind=Kind.PAPER, statement="More.", rule=Exceeds(0.0), reason="no data"),
    Claim(id="toy-3", statement="Less.", rule=Below(0.0), ours=2.0, interval=(math.nan, math.nan)),
]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A notebook that records the three claims, executed by papermill as the book's are."""
    folder = tmp_path_factory.mktemp("claims")
    names = ", ".join(f"Claim(**{_plain(c)}, rule={c.rule!r})" for c in RECORDED)
    source = f"from mirage.book.claims import *\nrecord('toy', [{names}])"
    cells = [nbformat.v4.new_code_cell("1"), nbformat.v4.new_code_cell(source)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "in.ipynb")
    quiet = ["--IPKernelApp.log_level=50"]
    papermill.execute_notebook(
        folder / "in.ipynb",
        folder / "toy-notebook.ipynb",
        kernel_name="python3",
        progress_bar=False,
        start_timeout=600,
        extra_arguments=quiet,
    )
    return folder / "toy-notebook.ipynb"


def _plain(c: Claim) -> dict:
    return {
        n: str(v) if n == "kind" else v for n, v in msgspec.structs.asdict(c).items() if n != "rule"
    }


def test_claims_survive_the_notebook(executed):
    found = claims.read(executed)
    assert found == RECORDED
    assert [c.verdict for c in found] == [NEARLY, NOT_TRIED, NO]


def test_notebook_shows_verdicts_as_text_and_html(executed):
    (output,) = nbformat.read(executed, 4).cells[-1].outputs
    assert output.data["text/plain"].splitlines() == [
        "toy-1: reproduced with deviation",
        "toy-2: not attempted",
        "toy-3: does not hold",
    ]
    assert len(BeautifulSoup(output.data["text/html"], "html.parser").find_all("tr")) == 6


def test_notebook_without_claims_has_none(tmp_path):
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "empty.ipynb")
    assert claims.read(tmp_path / "empty.ipynb") == []


def test_claims_are_counted_by_what_they_were_asked_of():
    def of(stem, *names, ours=1.0):
        found = [
            claim(id=name, kind=Kind.PAPER, rule=Exceeds(0), ours=ours, interval=(0.5, 2))
            for name in names
        ]
        return Path(f"{stem}.ipynb"), found

    papers = [
        of("figure-2-theory", "figure-2-points", "figure-2-grade"),
        of("figure-7-autoencoders", "figure-7-parameters", "figure-7-error"),
        of("figure-8-omniglot", "figure-8-accuracy", ours=None),
    ]
    assert landing._asked_of(papers) == (
        "They were asked of new data or networks (1 of 2); the paper's own formulas and points"
        " (2 of 2); counts of parameters, by which we chose the networks (1 of 1)."
    )
    assert landing._asked_of([]) == ""


def test_what_was_asked_of_the_papers_own_numbers_is_on_pages_that_exist():
    stems = {path.stem for path in run.notebooks()}
    assert stems >= landing.OWN_POINTS
    known = {one.id for one in [*figure_7.CLAIMS, *figure_11.CLAIMS]}
    assert known >= landing.BY_CHOICE


def test_landing_page_counts_verdicts_and_keeps_its_columns(executed, tmp_path):
    errata = tmp_path / "errata.ipynb"
    errata.write_bytes(executed.read_bytes())
    page = landing.verdicts_table([executed, errata])
    text = BeautifulSoup(page, "html.parser").text
    assert "**Reproduced: 1 of the paper's 2 claims.**" in text
    assert "1 reproduced with deviation, 1 not attempted." in text
    assert "statements that the paper implies (0), questions of our own (1)" in text
    # Of the three claims two are the paper's; the third fails, but is a question of our own.
    assert "statements of detail, 0 of whose 2 checks fail" in text
    assert "| page | claims | reproduced with deviation | not attempted |" in page
    assert "| {doc}`Toy notebook </notebooks/toy-notebook>` | 2 | 1 | 1 |" in page
    page = landing.claims_table([executed, errata])
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 * 1 + 3, "two headers and the claims; errata are only counted"
    claimed = [row for row in rows if "/notebooks/" in row]
    for row in rows:
        assert row.replace("\\|", "").count("|") == 6, "five columns"
    assert r"P(x \| y) \< 1" in claimed[0]
    assert r"1.15 \[1.12, 1.18\], n = 3 seeds" in claimed[0]
    assert len(claimed) == 3


def test_readme_counts_the_claims_and_lists_them(executed, tmp_path):
    readme = tmp_path / "README.md"
    marks = "<!-- results: old -->\nold\n<!-- end of results -->"
    readme.write_text(f"before\n{marks}\nafter\n")
    errata = tmp_path / "errata.ipynb"
    errata.write_bytes(executed.read_bytes())
    for _ in range(2):  # the second time it replaces what it wrote
        landing.write_readme(readme, [executed, errata], "paper", "toy data")
        lines = readme.read_text().splitlines()
        assert (lines[0], lines[-1]) == ("before", "after")
        assert "old" not in lines
        assert "| Toy notebook | 2 | – | 1 | – | – | 1 |" in lines
        assert "| **all** | 2 | – | 1 | – | – | 1 |" in lines
        assert "Data: toy data." in lines
        assert "<summary>The paper's claims (2)</summary>" in lines
        assert "<summary>Our questions (1)</summary>" in lines
        listed = lines[lines.index("<details>") :]
        assert sum(line.startswith("| Toy notebook |") for line in listed) == 3


def test_readme_without_marks_is_left_alone(executed, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("no marks\n")
    with pytest.raises(ValueError, match="end of results"):
        landing.write_readme(readme, [executed], "paper", "toy data")
    assert readme.read_text() == "no marks\n"


@pytest.mark.parametrize(
    ("stem", "label"),
    [
        ("figure-11-mnist", "Figure 11"),
        ("figure-9-10-rouge-bleu", "Figures 9 and 10"),
        ("prediction-3-length", "Prediction 3"),
        ("not-a-mirage", "Not a mirage"),
    ],
)
def test_where_a_claim_stands_is_readable(executed, tmp_path, stem, label):
    named = tmp_path / f"{stem}.ipynb"
    named.write_bytes(executed.read_bytes())
    assert f"{{doc}}`{label} </notebooks/{stem}>`" in landing.claims_table([named])


def test_runs_table_has_a_row_per_notebook(executed):
    page = landing.runs_table([executed], "quick")
    assert "**quick** profile" in page
    (row,) = [line for line in page.splitlines() if "/notebooks/toy-notebook" in line]
    day, seconds = (cell.strip() for cell in row.split("|")[2:4])
    assert len(day) == len("2026-01-31")
    assert float(seconds) >= 0
    assert "| seconds in this run |" in page
    assert "the cache" in page


def test_sources_of_data_are_explained_and_said_once_where_they_agree(tmp_path):
    embedded = stamp.Data("mnist", "1", "MNIST | digits", "embedded")
    folder = msgspec.structs.replace(embedded, name="bigg", source="directory")
    path = tmp_path / "toy.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), path)
    stamp.write(path, "key", [embedded])
    page = landing.runs_table([path], "quick")
    assert "All data sets ship with the package." in page
    assert "| data set | content |\n|---|---|\n| mnist | MNIST \\| digits |\n" in page
    stamp.write(path, "key", [embedded, folder])
    page = landing.runs_table([path], "quick")
    assert "*directory*, those that were read from the data folder (`$MIRAGE_DATA`); " in page
    assert "*embedded*, those that ship with the package." in page
    assert "| bigg | MNIST \\| digits | directory |" in page


@pytest.mark.parametrize("n", range(1, 12))
def test_a_share_that_no_data_could_decide_is_not_attempted(n):
    """At the fewest that count all of them would decide; with one less none."""
    ends = [claims.clopper_pearson_interval(k, n) for k in (0, n)]
    decides = ends[0][1] < 0.5 < ends[1][0]
    assert decides is (n >= claims.FEWEST)
    found = [claims.share(k, n, "tasks") for k in range(n + 1)]
    assert all(isinstance(one, Found) is decides for one in found)
    assert claims.share(0, 0, "tasks", "nothing") == "nothing"
