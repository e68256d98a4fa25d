"""Omniglot transformers: the sequences, the model, the scores, the training."""

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mirage import datasets, emergence
from mirage.training import loop, sweep
from mirage.vision import omniglot
from mirage.vision.sequences import curves, sequence_scores, sequences

ALPHABET = np.repeat(["Greek", "Latin", "Ogham"], [24, 26, 7])


def scored(correct, cell=None) -> dict[str, dict]:
    correct = np.asarray(correct, bool)
    cell = np.arange(len(correct)) if cell is None else np.asarray(cell)
    return {row["metric"]: row for row in sequence_scores(correct, cell)}


# --- sequences


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sets(st.integers(0, 19), min_size=1, max_size=4))
def test_a_sequence_has_one_alphabet_one_drawer_and_five_characters(seed, drawers):
    items, cell = sequences(ALPHABET, drawers, passes=2, rng=np.random.default_rng(seed))
    character, drawer = np.divmod(items, 20)
    assert (ALPHABET[character] == ALPHABET[character[:, :1]]).all()
    assert (drawer == drawer[:, :1]).all()
    assert set(drawer.flatten()) == drawers
    assert all(len(set(row)) == 5 for row in character)
    names = {
        (ALPHABET[c[0]], d[0]): number for c, d, number in zip(character, drawer, cell, strict=True)
    }
    assert len(set(names.values())) == len(names) == 3 * len(drawers)
    # Each pass uses 20 of 24, 25 of 26, 5 of 7 characters of each drawer, each once.
    assert len(items) == 2 * len(drawers) * (4 + 5 + 1)
    assert np.unique(items, return_counts=True)[1].max() <= 2


def test_passes_group_anew():
    items, _ = sequences(ALPHABET, [0], passes=2, rng=np.random.default_rng(0))
    first, second = ({frozenset(row) for row in half} for half in np.split(items, 2))
    assert len(first & second) < len(first)


def test_too_few_characters_are_refused():
    with pytest.raises(ValueError, match="no alphabet of at least 5 characters"):
        sequences(np.array(["Greek"] * 4), [0], passes=1, rng=np.random.default_rng(0))


def test_nobody_draws_for_both_training_and_test():
    assert not set(omniglot.TRAIN_DRAWERS) & set(omniglot.TEST_DRAWERS)
    assert {*omniglot.TRAIN_DRAWERS, *omniglot.TEST_DRAWERS} == set(range(20))


# --- scores


def test_scores_by_hand():
    rows = scored([[1, 1, 1], [1, 0, 1], [0, 0, 0], [1, 1, 0]])
    # Places: 3/4, 2/4, 2/4. First two: accuracy (3 + 2)/8 = .625; both right in 2 of 4 = .5.
    # .625² = .390625; product .75 · .5 = .375.  All three: 1 of 4; accuracy 7/12; .75 · .5 · .5.
    expected = {
        "accuracy": 7 / 12,
        "accuracy, L = 2": 0.625,
        "all correct, L = 1": 0.75,
        "all correct, L = 2": 0.5,
        "accuracy^L, L = 2": 0.390625,
        "product, L = 2": 0.375,
        "excess over accuracy^L, L = 2": 0.109375,
        "excess over product, L = 2": 0.125,
        "all correct, L = 3": 0.25,
        "accuracy^L, L = 3": (7 / 12) ** 3,
        "product, L = 3": 0.1875,
        "excess over product, L = 3": 0.0625,
    }
    assert {name: rows[name]["score"] for name in expected} == pytest.approx(expected)


@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1, max_size=30))
@settings(max_examples=40)
def test_scores_keep_their_order(correct):
    rows = scored(correct)
    together = [rows[f"all correct, L = {n}"]["score"] for n in range(1, 5)]
    assert together == sorted(together, reverse=True), "L asks for more"
    assert rows["excess over product, L = 1"]["score"] == 0
    for n in range(1, 5):
        # A product is at most the power of the mean (arithmetic and geometric mean).
        power, product = (rows[f"{m}, L = {n}"]["score"] for m in ("accuracy^L", "product"))
        assert product <= power + 1e-12
    assert all(row["low"] <= row["high"] for row in rows.values())


def test_independent_images_have_no_excess_and_its_interval_covers_zero_95_times_in_100():
    rng, covered = np.random.default_rng(0), 0
    for _ in range(200):
        rows = scored(rng.random((300, 3)) < [0.4, 0.7, 0.8], rng.integers(0, 60, 300))
        excess = rows["excess over product, L = 3"]
        covered += excess["low"] <= 0 <= excess["high"]
    # 200 trials at .95: mean 190, standard deviation 3.1; below 178 by chance once in 10 000.
    assert covered >= 178


def test_a_cell_and_not_a_sequence_is_what_the_interval_resamples():
    correct = np.repeat([[1, 1], [0, 0]] * 10, 20, axis=0)  # 20 cells, each of one mind
    wide = scored(correct, np.repeat(np.arange(20), 20))["accuracy"]
    narrow = scored(correct)["accuracy"]
    # Half of the cells are right: √(.25/20) = .11 against √(.25/400) = .025.
    ratio = (wide["high"] - wide["low"]) / (narrow["high"] - narrow["low"])
    assert ratio == pytest.approx(math.sqrt(20), rel=0.15)


# --- model


@pytest.mark.parametrize("n_filters", omniglot.FILTERS)
def test_parameters_follow_the_formula(n_filters):
    width = 16 * n_filters
    blocks = 5 * (12 * width**2 + 9 * width)
    expected = (1623 + 9) * width + 1623 + 101 * n_filters + blocks
    model = omniglot.Transformer(n_filters, 1623)
    assert sum(p.numel() for p in model.parameters()) == expected


def test_the_family_spans_two_decades_up_to_the_papers_largest():
    sizes = [
        sum(p.numel() for p in omniglot.Transformer(c, 1623).parameters())
        for c in (omniglot.FILTERS[0], omniglot.FILTERS[-1])
    ]
    assert len(omniglot.FILTERS) >= 8
    assert math.log10(sizes[1] / sizes[0]) >= 1.5
    assert sizes[1] == pytest.approx(4.479e6, rel=0.03)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (3, 5, 28, 28), generator=generator, dtype=torch.uint8)
    return images, torch.randint(0, 40, (3, 5), generator=generator)


def test_no_prediction_sees_its_own_label_or_what_follows(batch):
    torch.manual_seed(0)
    model, (images, labels) = omniglot.Transformer(2, 40), batch
    before = model(images, labels)
    other, changed = images.clone(), labels.clone()
    other[:, 3:] = 255 - other[:, 3:]
    changed[:, 2:] = (changed[:, 2:] + 1) % 40
    after = model(other, changed)
    torch.testing.assert_close(after[:, :3], before[:, :3])
    assert not torch.allclose(after[:, 3], before[:, 3])


def test_predictions_do_depend_on_the_labels_before(batch):
    torch.manual_seed(0)
    model, (images, labels) = omniglot.Transformer(2, 40), batch
    changed = labels.clone()
    changed[:, 0] = (changed[:, 0] + 1) % 40
    change = (model(images, changed) - model(images, labels)).abs().amax((0, 2))
    assert change[0] == 0
    assert (change[1:] > 1e-4).all()


def test_shorter_sequences_are_the_beginning_of_longer_ones(batch):
    torch.manual_seed(0)
    model, (images, labels) = omniglot.Transformer(2, 40), batch
    torch.testing.assert_close(model(images[:, :2], labels[:, :2]), model(images, labels)[:, :2])


def test_a_block_computes_only_the_tokens_that_are_asked_for():
    torch.manual_seed(0)
    block, x = omniglot.Block(32), torch.randn(3, 9, 32)
    torch.testing.assert_close(block(x, step=2), block(x)[:, ::2])


def test_agrees_with_pytorchs_own_encoder(batch):
    """Block by block with `nn.TransformerEncoderLayer`, its LayerNorm at weight 1, bias 0."""
    torch.manual_seed(0)
    width, block = 32, omniglot.Block(32)
    layer = torch.nn.TransformerEncoderLayer(
        width, 2, 4 * width, 0.0, torch.nn.functional.gelu, batch_first=True, norm_first=True
    )
    with torch.no_grad():
        for name, ours in (
            ("self_attn.in_proj_", block.attend),
            ("self_attn.out_proj.", block.mix),
            ("linear1.", block.up),
            ("linear2.", block.down),
        ):
            for kind in ("weight", "bias"):
                layer.get_parameter(name + kind).copy_(getattr(ours, kind))
    x = torch.randn(3, 9, width)
    mask = torch.nn.Transformer.generate_square_subsequent_mask(9)
    torch.testing.assert_close(
        block(x), layer(x, src_mask=mask, is_causal=True), rtol=1e-4, atol=1e-5
    )


def test_filters_are_counted_from_one():
    with pytest.raises(ValueError, match="n_filters: found 0, expected at least 1"):
        omniglot.Transformer(0, 10)


def test_shifts_move_an_image_by_at_most_one_pixel_each_way():
    images = torch.zeros(2, 28, 28, dtype=torch.uint8)
    images[1, 10, 20] = 255
    padded = torch.nn.functional.pad(images, (omniglot.SHIFT,) * 4)
    items = torch.ones(40, 5, dtype=torch.long)
    moved = omniglot.shifted(padded, items, torch.Generator().manual_seed(0))
    places = moved.view(-1, 28, 28).nonzero()[:, 1:]
    assert len(places) == 200, "the one dark pixel is kept"
    found = {tuple(place) for place in (places - torch.tensor([10, 20])).tolist()}
    assert found == {(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)}


# --- training


@pytest.fixture(scope="module")
def data():
    """Two alphabets, so that training takes a second."""
    whole = datasets.load("omniglot")
    kept = np.isin(whole.alphabet, ["Braille", "Tifinagh"])
    return replace(
        whole,
        **{n: getattr(whole, n)[kept] for n in ("x", "alphabet", "character", "is_background")},
    )


def config(**changes) -> omniglot.Config:
    """Train twice as hard as the figure does: two alphabets give few steps."""
    schedule = replace(omniglot.SCHEDULE, batch_size=8, warmup=10)
    return replace(omniglot.Config(2, 0, schedule, passes=8), **changes)


def score(rows, metric="accuracy") -> float:
    return next(row["score"] for row in rows if row["metric"] == metric)


def test_training_learns_and_repeats_itself(data):
    rows = omniglot.evaluate(config(), data)
    chance = 1 / len(data.x)
    assert score(rows) > 10 * chance
    assert rows == omniglot.evaluate(config(), data)
    assert rows != omniglot.evaluate(config(seed=1), data)


def test_bfloat16_agrees_with_float32_in_float32s_seed_noise(data):
    if omniglot.fastest_precision(16) == "float32":
        pytest.skip("this processor multiplies no bfloat16, so it is never used here")
    seeds = [score(omniglot.evaluate(config(seed=s), data)) for s in range(3)]
    low = score(omniglot.evaluate(config(precision="bfloat16"), data))
    noise = max(np.std(seeds, ddof=1), 0.02)  # 3 seeds may agree by luck
    assert abs(low - seeds[0]) <= 4 * noise


@pytest.mark.skipif(loop.device().type == "cpu", reason="no GPU here to compare with the CPU")
def test_a_gpu_agrees_with_the_cpu(data, monkeypatch):
    there = score(omniglot.evaluate(config(), data))
    monkeypatch.setattr(loop, "device", lambda name="auto": torch.device("cpu"))
    here = [score(omniglot.evaluate(config(seed=seed), data)) for seed in range(3)]
    assert abs(there - here[0]) <= 4 * max(np.std(here, ddof=1), 0.02)


def test_a_sweep_makes_curves_with_intervals(data, tmp_path):
    chosen = [config(n_filters=c, passes=2) for c in (2, 1)]
    table = sweep.run(omniglot.evaluate, chosen, data, "Omniglot", jobs=1, cache=tmp_path)
    one = curves(table)
    assert one["n_params"].is_sorted()
    accuracy = one.filter(metric="accuracy")
    assert (accuracy["low"] <= accuracy["score"]).all(), "one seed: the interval over cells"
    assert math.isfinite(emergence.emergence_score(accuracy["score"]))
    second = table.with_columns(seed=pl.lit(1, pl.Int64), score=pl.col("score") * 0.9)
    both = curves(pl.concat([table, second])).filter(metric="accuracy", model="c = 2")
    score = accuracy.filter(model="c = 2")["score"].item()
    # Two seeds: mean .95 score, and half their difference, .05 score, times t₁(.975) = 12.706.
    assert both.select("score", "n_seeds").row(0) == (pytest.approx(0.95 * score), 2)
    assert both["high"].item() == pytest.approx(min(1, (0.95 + 0.05 * 12.706) * score), rel=1e-3)


def test_profiles_run_the_slowest_first_and_quick_is_part_of_paper():
    quick, paper = (omniglot.configs(omniglot.PROFILES[p]) for p in ("quick", "paper"))
    assert set(quick) <= set(paper), "the paper profile finds the quick one's models in the cache"
    costs = [c.n_blocks * c.n_filters**2 for c in paper]
    assert costs == sorted(costs, reverse=True)


def test_the_depth_family_grows_in_blocks_alone():
    deep = [c for c in omniglot.configs(omniglot.PROFILES["paper"]) if c.family == "depth"]
    assert {c.n_blocks for c in deep} == {1, 2, 3, 4, 16}
    same = {(c.n_filters, c.schedule, c.passes, c.precision) for c in deep}
    assert len(same) == 1
    sizes = {
        c.n_blocks: sum(
            p.numel() for p in omniglot.Transformer(c.n_filters, 1623, c.n_blocks).parameters()
        )
        for c in deep
    }
    # A block: 12 · 128² + 9 · 128 = 197 760. The rest: 1632 · 128 + 1623 + 101 · 8 = 211 327.
    assert sizes == {n: 211_327 + 197_760 * n for n in sizes}


def test_scores_of_cells_average_to_the_score(data):
    rows = pl.DataFrame(omniglot.evaluate(config(passes=1), data), infer_schema_length=None)
    in_cell = pl.col("cell").is_not_null()
    whole, cells = rows.filter(~in_cell), rows.filter(in_cell)
    for metric in ("accuracy", "all correct, L = 1", "all correct, L = 5"):
        part = cells.filter(metric=metric)
        mean = (part["score"] * part["n_items"]).sum() / part["n_items"].sum()
        assert mean == pytest.approx(whole.filter(metric=metric)["score"].item())
