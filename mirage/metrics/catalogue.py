"""What is known of a metric: its names, direction, range and kind, each said once, here.

Readers, tables, fits and pages ask `find` or `get` and keep no list of their own. A direction that
a file states goes before the catalogue's. A metric that is not listed has no direction: nothing is
guessed from a part of its name.

Sources: the metrics of lm-evaluation-harness, BIG-bench, HELM, lighteval, OpenCompass and Inspect,
and those of the paper and this package.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import dataclass, replace
from functools import cache
from math import inf
from typing import Literal

Kind = Literal["share of items", "mean of reals", "count", "text"]
SHARE: Kind = "share of items"
MEAN: Kind = "mean of reals"
COUNT: Kind = "count"
TEXT: Kind = "text"


@dataclass(frozen=True)
class Metric:
    """What is known of one metric.

    Attributes
    ----------
    name : str
        What the book calls it.
    aliases : tuple of str
        What files call it; case and separators do not matter.
    higher_is_better : bool or None
        None where neither end of the range is the better one.
    bounds : (float, float)
        Lowest and highest value. Of metrics printed as fractions or percentages, depending on the
        tool (BLEU, ROUGE), the wider range.
    kind : {"share of items", "mean of reals", "count", "text"}
        What is averaged over the items: right or wrong, which alone has a binomial error; a real
        number; a whole number, such as edits; the overlap with a reference text.
    all_or_nothing : bool
        Whether an item counts only if all of its answer is right: the metrics that the paper calls
        nonlinear or discontinuous.
    """

    name: str
    aliases: tuple[str, ...]
    higher_is_better: bool | None
    bounds: tuple[float, float]
    kind: Kind
    all_or_nothing: bool = False


class UnknownMetricError(ValueError):
    """A metric that the catalogue does not list."""


def _of(kind: Kind, higher: bool | None, bounds: tuple[float, float], *names: str, whole=False):
    """Metrics that differ in their names alone; each is "name | alias | alias …"."""
    split = [tuple(part.strip() for part in line.split("|")) for line in names]
    return [Metric(name, tuple(aliases), higher, bounds, kind, whole) for name, *aliases in split]


CATALOGUE: tuple[Metric, ...] = (
    *_of(
        SHARE,
        True,
        (0, 1),
        "accuracy | acc | fraction correct | share correct | correct | top-1 accuracy",
        "exact match | em | exact | exact_str_match | exact string match | string match",
        "accuracy, normalised | acc_norm | normalized accuracy | len_norm accuracy",
        "accuracy, per byte | acc_bytes | acc_per_byte",
        "accuracy, per character | acc_per_char",
        "accuracy, per token | acc_per_token",
        "accuracy, mutual information | acc_mutual_info",
        "accuracy, uncorrected | acc_uncond | acc_raw | loglikelihood_acc",
        "multiple choice grade | mc grade | mc1",
        "case-insensitive exact match | case_insensitive_str_match",
        "quasi-exact match | qem",
        "prefix exact match | pem",
        "quasi-prefix exact match | pqem",
        "numeric match | numeric_match_with_0_1_relative_error",
        "extractive match | math_verify | math_equal | process_results_correct",
        "all correct | all_correct",
        "strict accuracy | prompt_level_strict_acc | inst_level_strict_acc",
        "loose accuracy | prompt_level_loose_acc | inst_level_loose_acc",
        "pass@k | pass | pass rate | solve rate | success rate | resolved rate",
        "BLEU accuracy | bleu_acc",
        "ROUGE-1 accuracy | rouge1_acc",
        "ROUGE-2 accuracy | rouge2_acc",
        "ROUGE-L accuracy | rougeL_acc",
        whole=True,
    ),
    *_of(
        SHARE,
        False,
        (0, 1),
        "error rate | classification error | misclassification rate | err",
        "toxic fraction | toxic_frac | toxicity rate",
        "hallucination rate",
    ),
    *_of(SHARE, None, (0, 1), "share of stereotypes | pct_stereotype"),
    *_of(MEAN, True, (0, 1), "subset accuracy", "expected exact match", whole=True),
    *_of(
        MEAN,
        True,
        (0, 1),
        "token accuracy",
        "token probability",
        "target probability | probability of the correct choice | correct_prob | p_correct | "
        "prob_target | correct choice probability",
        "multi-target probability | mc2",
        "balanced accuracy",
        "win rate | winrate | length controlled winrate",
        "AUROC | roc_auc | auc",
        "average precision",
        "macro F1 | f1_macro",
        "micro F1 | f1_micro",
        "precision",
        "recall",
        "Jaccard index | jaccard | intersection over union | iou",
    ),
    # Some tools print these in percent.
    *_of(
        MEAN,
        True,
        (0, 100),
        "F1 | f1_score | HasAns_f1 | best_f1",
        "sequence F1 | sequence_f1",
    ),
    *_of(
        MEAN,
        True,
        (-1, 1),
        "Matthews correlation | mcc | matthews_corrcoef",
        "Pearson correlation | pearsonr | pearson",
        "Spearman correlation | spearmanr | spearman",
        "cosine similarity",
    ),
    *_of(MEAN, True, (-inf, 1), "R² | r2 | r2_score | coefficient of determination"),
    *_of(MEAN, True, (-inf, 100), "normalised aggregate score | normalized_aggregate_score"),
    *_of(MEAN, True, (-100, 100), "BERTScore | bert_score | bertscore_f1 | bert_score_f1"),
    *_of(MEAN, True, (-inf, 1.5), "BLEURT"),  # about 1 for a perfect text, and little more
    *_of(MEAN, True, (-inf, inf), "BLEU difference | bleu_diff"),
    *_of(MEAN, True, (-inf, inf), *(f"ROUGE-{n} difference | rouge{n}_diff" for n in "12L")),
    *_of(MEAN, True, (-inf, inf), "log odds | logodds", "log odds difference | logodds_difference"),
    *_of(
        MEAN,
        True,
        (-inf, 0),
        "log-likelihood | loglikelihood | log probability | logprob | log_prob | logp | ll",
        "target log-likelihood | correct_logprob | correct choice log probability",
    ),
    *_of(
        MEAN,
        False,
        (0, inf),
        "negative log-likelihood | nll | nll loss | negative log probability | neg log prob",
        "loss | cross entropy | cross-entropy loss | xent | ce loss | lm loss",
        "bits per byte | bpb | bits per character | bpc | bits_per_token",
        "mean squared error | mse | squared error | l2 loss",
        "root mean squared error | rmse",
        "mean absolute error | mae | absolute error | l1 loss",
        "mean absolute percentage error | mape",
        "KL divergence | kl | kl_div",
        "error",
        "word error rate | wer",
        "character error rate | cer",
        "phoneme error rate",
        # Of a sentence and its stereotyped twin, absolute: 0 is the ideal.
        "likelihood difference | likelihood_diff",
    ),
    *_of(
        MEAN,
        False,
        (1, inf),
        "perplexity | ppl",
        "word perplexity | word_ppl",
        "byte perplexity | byte_ppl",
        "token perplexity | token_ppl",
    ),
    # The three conventions of `mirage.metrics.choices.brier_score`; [0, 2] holds them all.
    *_of(MEAN, False, (0, 2), "Brier score | brier"),
    *_of(
        MEAN,
        False,
        (0, 1),
        "multiple choice Brier score | calibration_multiple_choice_brier_score",
        "target Brier score",
        "top-label Brier score",
        "top-label Brier score, normalised",
        "expected calibration error | ece | calibration error | ece_1_bin | ece_10_bin",
        "maximum calibration error | mce",
        "toxicity | expected_max_toxicity | max_toxicity",
        "normalised edit distance | normalized levenshtein distance | norm_edit_distance",
        "equal error rate | eer",
    ),
    *_of(
        COUNT,
        False,
        (0, inf),
        "token edit distance | edit distance | levenshtein | levenshtein distance",
        "character edit distance",
        "Hamming distance | hamming",
    ),
    *_of(TEXT, False, (0, inf), "translation edit rate | ter | translation error rate"),
    *_of(
        TEXT,
        True,
        (0, 100),
        "BLEU | sacrebleu",
        *(f"BLEU-{n} | bleu{n}" for n in range(1, 5)),
        "ROUGE-1 | rouge1",
        "ROUGE-2 | rouge2",
        "ROUGE-L | rougeL",
        "ROUGE-L-Sum | rougeLsum",
        "ROUGE | rouge",
        "chrF | chrf++",
        "METEOR",
        "CIDEr",
        "SARI",
        "GLEU",
    ),
)
_MINUS = "-−–"
# Words around a name that change neither direction, range nor kind.
_NEUTRAL = frozenset(
    """mean average avg macro micro weighted total overall test train training val valid validation
    eval dev final score metric value task prompt instruction level strict loose flexible max min
    best bootstrapped corpus sentence""".split()  # noqa: SIM905
)


def find(name: str) -> Metric | None:
    """Look a metric up by any of its names.

    Parameters
    ----------
    name : str
        Case, separators, a filter (``"exact_match,strict-match"``, ``"exact_match (strict)"``),
        and neutral words (``"validation loss"``) do not matter. A leading minus, or "negative",
        turns direction and range round.

    Returns
    -------
    Metric or None
        None for a metric that is not listed. Where the name says more than the listed one, the
        metric keeps it, so that two measurements are never called the same.

    Examples
    --------
    >>> find("acc").name, find("token_edit_distance").higher_is_better
    ('accuracy', False)
    >>> find("−token edit distance").higher_is_better, find("−token edit distance").bounds
    (True, (-inf, 0))
    >>> find("exact_match,strict-match").name, find("zest")
    ('exact_match,strict-match', None)
    """
    return _find(str(name))


@cache
def _find(name: str) -> Metric | None:
    plain = unicodedata.normalize("NFKC", name).strip().casefold().replace("ised", "ized")
    if (found := _names().get(_squashed(plain))) and plain[0] not in _MINUS:
        return found
    if signed := re.match(rf"(?:[{_MINUS}]\s*|neg(?:ative)?[\s_-]+)(?=\S)", plain):
        found = _find(plain[signed.end() :])
        return found and _negated(found, name)
    bare = re.sub(r"\s*(\([^()]*\)|\[[^\[\]]*\]|,\S+|@\d+|, \w+ = [\w.]+)$", "", plain)
    if bare != plain:
        found = _find(bare)
        return found and replace(found, name=name)
    words = re.findall(r"[^\W_]+", plain)
    for kept, dropped in ((words[1:], words[:1]), (words[:-1], words[-1:])):
        if kept and _NEUTRAL.issuperset(dropped) and (found := _find(" ".join(kept))):
            return replace(found, name=name)
    return None


def _negated(metric: Metric, name: str) -> Metric:
    higher = None if metric.higher_is_better is None else not metric.higher_is_better
    low, high = metric.bounds
    return replace(metric, name=name, higher_is_better=higher, bounds=(-high, -low))


@cache
def _names() -> dict[str, Metric]:
    """Metrics by squashed name; a name of two metrics is a mistake of this file."""
    found: dict[str, Metric] = {}
    for metric in CATALOGUE:
        for name in (metric.name, *metric.aliases):
            if found.setdefault(_squashed(name), metric) is not metric:
                raise ValueError(
                    f"{name!r} names {metric.name!r} and {found[_squashed(name)].name!r}"
                )
    return found


def _squashed(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold().replace("ised", "ized"))


def get(name: str) -> Metric:
    """Look up a metric that must be known.

    Parameters
    ----------
    name : str
        As for `find`.

    Returns
    -------
    Metric

    Raises
    ------
    UnknownMetricError
        If it is not listed; the message names the closest ones.

    Examples
    --------
    >>> get("Brier").higher_is_better
    False
    >>> try:
    ...     get("perplexty")
    ... except UnknownMetricError as error:
    ...     print(str(error).split(";")[0])
    metric: found 'perplexty', which is not listed
    """
    if found := find(name):
        return found
    likely = close_names(name)
    hint = (
        f"did you mean {' or '.join(map(repr, likely))}?" if likely else "no listed name is close."
    )
    raise UnknownMetricError(
        f"metric: found {name!r}, which is not listed; {hint} Else state higher_is_better."
    )


def close_names(name: str, n: int = 3) -> list[str]:
    """Names of listed metrics that are spelt like this one, the closest first.

    Parameters
    ----------
    name : str
        Of a metric that is not listed.
    n : int
        Most names to give.

    Returns
    -------
    list of str

    Examples
    --------
    >>> close_names("exct match", 1)
    ['exact match']
    """
    spelt = {n: metric.name for metric in CATALOGUE for n in (metric.name, *metric.aliases)}
    lower = {key.casefold(): value for key, value in spelt.items()}
    near = difflib.get_close_matches(name.casefold(), lower, n=4 * n, cutoff=0.75)
    return list(dict.fromkeys(lower[key] for key in near))[:n]


def higher_is_better(name: str) -> bool | None:
    """Direction of a metric; None where it is not listed, or has none.

    Examples
    --------
    >>> higher_is_better("wer"), higher_is_better("BLEU"), higher_is_better("zest")
    (False, True, None)
    """
    metric = find(name)
    return metric.higher_is_better if metric else None
