"""The interactive Figure 2 against `mirage.theory`, evaluated by Vega itself without a browser."""

import json
import re

import numpy as np
import pytest
from vega_reader import evaluate, sentence

from mirage import theory
from mirage.book.vega import write_bundle
from mirage.emergence.scores import emergence_score
from mirage.pages import published
from mirage.pages.figure_2_explorer import GPT3_SIZES, theory_explorer

COLUMNS = [
    "n_params",
    "cross_entropy",
    "token_probability",
    "accuracy",
    "observed_accuracy",
    "token_edit_distance",
    "multiple_choice_grade",
    "brier_score",
]
DEFAULT = {"target_length": 5, "alpha": -0.5, "log10_c": np.log10(2e9), "n_choices": 2}
SETTINGS = [
    {},
    {"target_length": 1, "n_choices": 10, "log10_n_items": 1},
    {"target_length": 20, "alpha": -0.1, "log10_c": 8.0, "log10_n_items": 6},
    {"target_length": 12, "alpha": -1.0, "log10_c": 11.0, "n_choices": 4, "log10_n_items": 2.25},
]


# Vega-Lite 6 draws the book's figure, 5 JupyterLab's.
@pytest.mark.parametrize(("version", "sliders"), [("5.21", {}), *(("6.4", s) for s in SETTINGS)])
def test_vega_computes_what_theory_computes(version, sliders):
    chart = evaluate(theory_explorer().spec(), sliders, COLUMNS, version)
    value = DEFAULT | {"log10_n_items": 2} | sliders
    n_items = round(10 ** value["log10_n_items"])
    law = {"c": 10 ** value["log10_c"], "alpha": value["alpha"]}
    p = theory.token_probability(chart["n_params"], **law)
    accuracy = theory.accuracy(p, value["target_length"])
    expected = {
        "cross_entropy": theory.cross_entropy(chart["n_params"], **law),
        "token_probability": p,
        "accuracy": accuracy,
        "observed_accuracy": theory.observed_accuracy(accuracy, n_items),
        "token_edit_distance": theory.token_edit_distance(p, value["target_length"]),
        "multiple_choice_grade": theory.multiple_choice_grade(p, value["n_choices"]),
        "brier_score": theory.brier_score(p),
    }
    assert len(p) > 100
    for name, column in expected.items():
        # Two libraries' pow and exp; an exponent of 1 000 turns 1e-16 into 1e-13.
        np.testing.assert_allclose(chart[name], column, rtol=1e-11, atol=1e-300, err_msg=name)


def test_paper_values_by_hand():
    # N = 3.5e8: (3.5e8/2e9)^-0.5 = 2.390 nats, p = e^-2.390 = .0916, p^5 = 6.45e-6,
    # seen with 100 items: round(6.45e-4)/100 = 0; 5 (1 - .0916) = 4.542; (1 - .0916)^2 = .825.
    chart = evaluate(theory_explorer().spec(), {}, COLUMNS)
    smallest = {name: column[chart["n_params"] == 3.5e8].item() for name, column in chart.items()}
    assert smallest["cross_entropy"] == pytest.approx(2.390, abs=5e-4)
    assert smallest["accuracy"] == pytest.approx(6.45e-6, rel=2e-3)
    assert smallest["observed_accuracy"] == 0
    assert smallest["token_edit_distance"] == pytest.approx(4.542, abs=5e-4)
    assert smallest["multiple_choice_grade"] == 0.5
    assert smallest["brier_score"] == pytest.approx(0.825, abs=5e-4)


@pytest.mark.parametrize("moved", [{}, {"target_length": 12, "alpha": -0.35}])
def test_emergence_scores_on_the_papers_sizes(moved):
    value = DEFAULT | moved
    law = {"c": 10 ** value["log10_c"], "alpha": value["alpha"]}
    p, length = theory.token_probability(np.array(GPT3_SIZES), **law), value["target_length"]
    curves = p**length, -length * (1 - p)
    found = re.findall(r" ([\d.]+)[,.]", sentence(theory_explorer().spec(), moved))
    expected = [float(emergence_score(y)) for y in curves]
    np.testing.assert_allclose([float(text) for text in found], expected, rtol=5e-3)


def test_paper_sizes_are_marked():
    rows = theory_explorer().spec()["data"]["values"]
    marked = [row["n_params"] for row in rows if row["published"]]
    assert marked == list(GPT3_SIZES) == published.load("fig2")["N"]


def test_sliders_start_at_the_paper_and_on_their_grid():
    published_law = published.load("fig2")
    start = {}
    for param in theory_explorer().spec()["params"]:
        bind = param["bind"]
        steps = (param["value"] - bind["min"]) / bind["step"]
        # Off its grid, a browser would move the slider at the first touch.
        assert steps == pytest.approx(round(steps), abs=1e-9), param["name"]
        assert bind["min"] <= param["value"] <= bind["max"]
        start[param["name"]] = param["value"]
    assert start["target_length"] == published_law["L"]
    assert start["alpha"] == published_law["alpha"]
    assert 10 ** start["log10_c"] == pytest.approx(published_law["c"], rel=1e-12)
    assert start["n_choices"] == published_law["num_choices"]


def test_shows_itself_in_jupyterlab_and_in_the_book():
    figure = theory_explorer()
    bundle = figure._repr_mimebundle_()
    assert "text/html" not in bundle  # JupyterLab would prefer it, and show nothing
    assert bundle["application/vnd.vegalite.v5+json"]["$schema"].endswith("/v5.json")
    html = bundle["text/markdown"]
    assert "\n\n" not in html  # a blank line would end the HTML block in Markdown
    script = re.search(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)
    assert json.loads(script[1]) == figure.spec()
    assert len(figure.alt_text) > 100
    assert figure.alt_text in html.split("<noscript>")[1]


def test_text_of_a_figure_cannot_close_its_script():
    figure = theory_explorer()
    figure.chart.description = "</script><script>alert(1)</script>"
    script = re.search(r"application/json\">(.*?)</script>", figure.html(), re.DOTALL)[1]
    assert json.loads(script)["description"] == "</script><script>alert(1)</script>"


def test_bundle_is_written_once(tmp_path):
    path = write_bundle(tmp_path)
    script = path.read_text(encoding="utf-8")
    assert "window.vegaEmbed=" in script
    before = path.stat().st_mtime_ns
    assert write_bundle(tmp_path) == path
    assert path.stat().st_mtime_ns == before
    path.write_text(script[:1000], encoding="utf-8")  # cut short by a full disk, say
    write_bundle(tmp_path)
    assert path.read_text(encoding="utf-8") == script


def test_bundle_needs_its_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder '.*absent'.*create it"):
        write_bundle(tmp_path / "absent")
