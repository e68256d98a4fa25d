"""The family of small transformers: problems, model, scores, training, cache."""

import itertools
import math
from collections import Counter

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mirage import metrics
from mirage.arithmetic import family, problems, scoring, tasks, train
from mirage.arithmetic.model import Transformer, generate
from mirage.arithmetic.tasks import TASKS
from mirage.arithmetic.train import pack, unpack
from mirage.training.loop import Schedule

MULTIPLICATION, ADDITION = TASKS["two-digit-multiplication"], TASKS["four-digit-addition"]


def transformer(task=MULTIPLICATION, width=8, seed=0) -> Transformer:
    torch.manual_seed(seed)
    return Transformer(width, problems.n_positions(task))


# --- problems


@pytest.mark.parametrize("name", TASKS)
def test_no_pair_of_operands_is_both_trained_on_and_tested(name):
    data = problems.load(name)
    pairs = [set(map(tuple, np.sort(split).tolist())) for split in (data.train, data.held_out)]
    assert not pairs[0] & pairs[1]
    assert len(np.unique(data.held_out, axis=0)) == len(data.held_out)


def test_every_product_is_in_one_split():
    data = problems.load("two-digit-multiplication")
    both = np.concatenate([data.train, data.held_out])
    assert len(np.unique(both, axis=0)) == len(both) == 10_000
    assert 900 <= len(data.held_out) <= 1000


def test_the_digest_tells_problems_apart():
    digests = {problems.load(name, seed).digest for name in TASKS for seed in (0, 1)}
    assert len(digests) == 2 * len(TASKS)
    assert problems.load("two-digit-addition").digest == problems.load("two-digit-addition").digest


@given(st.sampled_from(sorted(TASKS)), st.data())
def test_encoding_keeps_the_answer_and_marks_what_predicts_it(name, data):
    task = TASKS[name]
    operand = st.integers(0, task.n_operands - 1)
    chosen = np.array(data.draw(st.lists(st.tuples(operand, operand), min_size=1, max_size=5)))
    tokens, answer = problems.encode(task, chosen)
    assert tokens.shape == (len(chosen), problems.n_positions(task) + 1)
    n_read = problems.n_read(task)
    targets = [str(x) for x in task.answer(*chosen.T).tolist()]
    assert problems.decode(task, tokens[:, n_read:]) == targets
    for row, mark, target in zip(tokens, answer, targets, strict=True):
        assert problems.decode(task, [row[1:][mark]]) == [target]
        assert mark.sum() == len(target) + 1  # the end counts


def test_products_are_written_from_the_last_digit_and_sums_as_one_reads_them():
    characters = np.array(list(problems.CHARACTERS))
    rows = [
        problems.encode(task, np.array([[54, 4]])).tokens[0] for task in (MULTIPLICATION, ADDITION)
    ]
    assert "".join(characters[rows[0]]) == "54*04=612\n\n"
    assert "".join(characters[rows[1]]) == "0054+0004=58\n\n\n\n"
    for task, row, answer in zip((MULTIPLICATION, ADDITION), rows, ("216", "58"), strict=True):
        assert problems.decode(task, row[None, problems.n_read(task) :]) == [answer]


def test_an_unknown_split_is_refused():
    with pytest.raises(ValueError, match="split: found 'test', expected one of train, held-out"):
        problems.load("two-digit-addition").split("test")


# --- model


@pytest.mark.parametrize("width", family.WIDTHS)
def test_parameters_are_counted_by_the_formula(width):
    n_params = sum(p.numel() for p in transformer(ADDITION, width).parameters())
    assert n_params == 2 * (12 * width**2 + 13 * width) + (16 + 15) * width


def test_no_token_sees_a_later_one():
    model, tokens = transformer(), torch.randint(0, 13, (4, 10))
    changed = tokens.clone()
    changed[:, 6:] = (changed[:, 6:] + 1) % 13
    before, after = model(tokens), model(changed)
    torch.testing.assert_close(before[:, :6], after[:, :6])
    assert not torch.allclose(before[:, 6:], after[:, 6:])


def test_wanted_places_have_the_same_logits():
    model, tokens = transformer(), torch.randint(0, 13, (4, 10))
    wanted = torch.rand(4, 10) < 0.4
    torch.testing.assert_close(model(tokens, wanted), model(tokens)[wanted])


@pytest.mark.parametrize("width", [3, 8, 32])
def test_a_cache_changes_nothing(width):
    model, tokens = transformer(width=width), torch.randint(0, 13, (3, 10))
    logits, cache = model.step(tokens[:, :6])
    found = [logits]
    for place in range(6, 10):
        logits, cache = model.step(tokens[:, place : place + 1], cache)
        found.append(logits)
    torch.testing.assert_close(torch.stack(found, dim=1), model(tokens)[:, 5:])


def test_greedy_generation_is_that_of_a_loop_without_a_cache():
    model, prompt = transformer(width=16, seed=3), torch.randint(0, 13, (50, 6))
    tokens = prompt
    for _ in range(4):
        tokens = torch.cat([tokens, model(tokens)[:, -1:].argmax(-1)], dim=1)
    assert torch.equal(generate(model, prompt, 4), tokens[:, 6:])


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="width: found 0"):
        Transformer(0, 10)
    with pytest.raises(ValueError, match="temperature: found -1"):
        generate(transformer(), torch.zeros(1, 6, dtype=torch.long), 2, temperature=-1.0)


# --- scores


class Reciter(torch.nn.Module):
    """Gives the next character of ``text`` the probability ``p``, the others equal shares."""

    def __init__(self, text: str, p: float):
        super().__init__()
        tokens = torch.tensor([problems.CHARACTERS.index(c) for c in text])
        chances = torch.full((len(text), 14), (1 - p) / 13)
        chances[torch.arange(len(text)), tokens] = p
        self.logits = chances.log()

    def forward(self, tokens, wanted=None):
        logits = self.logits[1 : tokens.shape[1] + 1].expand(len(tokens), -1, -1)
        return logits if wanted is None else logits[wanted]

    def step(self, tokens, cache=None):
        n_read = (cache or 0) + tokens.shape[1]
        return self.logits[n_read].expand(len(tokens), -1), n_read


def test_scores_by_hand():
    # A model that answers 216, from the last digit, each character and the end with probability
    # .9: right on 54·4 and 72·3, and for 12·10 = 120 it gives 0, 2, 1 the probabilities
    # .1/13, .1/13, .1/13 (it writes 6, 1, 2) and the end .9. For 3·3 = 9: .1/13 twice.
    model = Reciter("54*04=612\n\n", 0.9)
    chosen = np.array([[54, 4], [72, 3], [12, 10], [3, 3]])
    forced = scoring.teacher_forced(model, MULTIPLICATION, chosen)
    wrong = 0.1 / 13
    expected = [0.9**4, 0.9**4, wrong**3 * 0.9, wrong**2]
    np.testing.assert_allclose(np.exp(forced.log_likelihood), expected, rtol=1e-5)
    assert forced.exact_match.tolist() == [True, True, False, False]
    assert forced.log_probs.shape == (4, 5)
    assert (forced.log_probs[3, 2:] == 0).all()
    assert forced.correct[3].tolist() == [False, False, True, True, True]
    assert scoring.completions(model, MULTIPLICATION, chosen, 0.0) == ["216"] * 4
    rows = {
        (row["metric"], row["temperature"], row["target_length"]): row
        for row in scoring.scores(model, MULTIPLICATION, chosen)
    }
    assert rows["exact match", 0.0, None]["score"] == 0.5
    assert rows["exact match", 0.0, 3]["score"] == pytest.approx(2 / 3)
    assert rows["token edit distance", 0.0, 1]["score"] == 3  # 216 → 9: two surplus, one wrong
    assert rows["token accuracy", 0.0, 1]["score"] == 0
    assert rows["expected exact match", 1.0, None]["score"] == pytest.approx(
        np.mean(expected), rel=1e-5
    )
    assert rows["target log-likelihood", 1.0, 1]["score"] == pytest.approx(2 * math.log(wrong))
    # 3 answers of 4 characters and one of 2, the ends included.
    assert rows["exact match", 0.0, None]["loss"] == pytest.approx(-np.log(expected).sum() / 14)
    assert 2 not in {length for _, _, length in rows}  # no answer has two digits


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31 - 1))
def test_generation_at_temperature_0_is_right_where_teacher_forcing_says_so(seed):
    task = TASKS["two-digit-addition"]
    model = transformer(task, 16, seed)
    for parameter in model.parameters():  # so that untrained models differ in what they say
        parameter.data.mul_(2)
    chosen = tasks.sample(task, 3000, np.random.default_rng(seed))
    said = scoring.completions(model, task, chosen, 0.0)
    right = metrics.exact_match(said, [str(x) for x in task.answer(*chosen.T)])
    assert np.array_equal(right == 1, scoring.teacher_forced(model, task, chosen).exact_match)


def test_samples_are_right_as_often_as_the_closed_form_says():
    # 20 000 samples of one problem: the share of right ones within 5 standard errors.
    model, n = Reciter("54*04=612\n\n", 0.8), 20_000
    said = scoring.completions(model, MULTIPLICATION, np.repeat([[54, 4]], n, axis=0), 1.0)
    p = 0.8**4
    assert np.mean([text == "216" for text in said]) == pytest.approx(p, abs=5 * (p / n) ** 0.5)


def test_the_probabilities_of_all_first_two_characters_sum_to_one():
    model = transformer(MULTIPLICATION, 8)
    question = problems.encode(MULTIPLICATION, np.array([[12, 34]])).tokens[:, :6]
    pairs = np.array(list(itertools.product(range(14), repeat=2)))
    rows = torch.tensor(np.hstack([np.repeat(question, len(pairs), 0), pairs])).long()
    log_probs = model(rows).log_softmax(-1)
    first = log_probs[:, 5].gather(1, rows[:, 6:7])
    second = log_probs[:, 6].gather(1, rows[:, 7:8])
    assert (first + second).exp().sum().item() == pytest.approx(1, abs=1e-5)


def test_a_model_that_never_stops_is_cut_off_after_one_character_too_many():
    model = Reciter("54*04=77777777", 1.0 - 1e-9)
    assert scoring.completions(model, MULTIPLICATION, np.array([[54, 4]]), 0.0) == ["77777"]


# --- the family


PROFILE = family.Profile(widths=(4, 16), n_seeds=2, n_steps=60)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    return family.train("two-digit-multiplication", PROFILE, jobs=1, cache=cache), cache


def test_scores_are_complete(trained):
    scores = trained[0].scores
    counted = Counter(scores.select("width", "seed", "split").iter_rows())
    assert set(counted) == set(itertools.product((4, 16), (0, 1), problems.SPLITS))
    assert set(counted.values()) == {8 * 5}  # 2 + 3 · 2 metrics, 4 lengths and all together
    assert scores["n_params"].is_sorted()
    assert "weights" not in scores.columns


def test_all_lengths_together_are_the_mean_over_items(trained):
    by = ["model", "seed", "split", "metric", "temperature"]
    rows = trained[0].scores
    apart = rows.filter(pl.col("target_length").is_not_null()).with_columns(
        total=pl.col("score") * pl.col("n_items")
    )
    sums = apart.group_by(by).agg(pl.sum("total"), n=pl.sum("n_items"))
    both = rows.filter(pl.col("target_length").is_null()).join(sums, on=by)
    assert (both["n"] == both["n_items"]).all()
    np.testing.assert_allclose(both["total"] / both["n"], both["score"], rtol=1e-9)


def test_training_helps_and_seeds_differ(trained):
    held_out = (
        trained[0]
        .scores.filter(split="held-out", metric="target log-likelihood", width=16)
        .filter(pl.col("target_length").is_null())
    )
    assert held_out["loss"].n_unique() == 2
    assert (held_out["loss"] < math.log(14)).all()  # what a uniform guess costs


def test_the_weights_in_the_cache_are_those_that_were_scored(trained):
    one, _ = trained
    for name, _, seed, model in one.models:
        noise = seed * 10_000 + model.width  # another for each size, so that errors are not shared
        rows = scoring.scores(model, one.data.task, one.data.held_out, noise)
        for row in rows:
            found = one.scores.filter(
                pl.col("target_length").eq_missing(row["target_length"]),
                model=name,
                seed=seed,
                split="held-out",
                metric=row["metric"],
                temperature=row["temperature"],
            )
            assert found["score"].item() == pytest.approx(row["score"], rel=1e-6)


def test_nothing_is_trained_twice(trained, monkeypatch):
    one, cache = trained
    monkeypatch.setattr(train, "fit", None)  # not callable: training would fail
    again = family.train("two-digit-multiplication", PROFILE, jobs=1, cache=cache)
    assert again.scores.equals(one.scores)


def test_a_seed_fixes_the_weights():
    data = problems.load("two-digit-addition")
    config = family.configs(family.Profile((8,), n_seeds=1, n_steps=20), data)[0]
    first, second = (pack(train.fit(config, data)) for _ in range(2))
    assert first == second


def test_a_training_that_diverges_is_an_error():
    data = problems.load("two-digit-addition")
    schedule = Schedule("adam", 1e30, batch_size=64, epochs=0.2)
    with pytest.raises(FloatingPointError, match="the loss is nan"):
        train.fit(train.Config(8, 0, schedule), data)


def test_weights_survive_packing():
    model = transformer(ADDITION, 12)
    again = unpack(pack(model), 12, 15)
    assert all(map(torch.equal, model.parameters(), again.parameters()))


@pytest.mark.parametrize("split", problems.SPLITS)
def test_outcomes_agree_with_scores(trained, split):
    one, _ = trained
    items = family.outcomes(one, split)
    assert items.height == 4 * len(one.data.split(split))
    means = items.group_by("model", "seed").agg(
        pl.mean("correct").alias("exact match"),
        pl.col("log_likelihood").exp().mean().alias("expected exact match"),
        pl.mean("log_likelihood").alias("target log-likelihood"),
    )
    at = {"exact match": 0.0, "expected exact match": 1.0, "target log-likelihood": 1.0}
    for metric, temperature in at.items():
        rows = one.scores.filter(
            pl.col("target_length").is_null(), split=split, metric=metric, temperature=temperature
        ).join(means, on=["model", "seed"])
        assert rows.height == 4
        np.testing.assert_allclose(rows["score"], rows[metric], rtol=1e-6)


def test_an_outcome_holds_each_character_of_the_answer(trained):
    items = family.outcomes(trained[0], n_items=50)
    answers = items["a"] * items["b"]
    assert (items["target_length"] == answers.cast(pl.String).str.len_chars()).all()
    for column in ("log_probs", "correct_characters"):
        assert (items[column].list.len() == items["target_length"] + 1).all()
    np.testing.assert_allclose(items["log_probs"].list.sum(), items["log_likelihood"], rtol=1e-5)
    assert (items["correct_characters"].list.all() == items["correct"]).all()


def test_profiles_are_as_the_page_says():
    widths = family.PROFILES["paper"].widths
    sizes = [2 * (12 * d**2 + 13 * d) + 31 * d for d in widths]
    assert len(widths) >= 10
    assert 300 < sizes[0] < 450
    assert 200_000 < sizes[-1] < 250_000
    assert family.PROFILES["paper"].n_seeds >= 3
    assert set(family.PROFILES["quick"].widths) <= set(widths)
