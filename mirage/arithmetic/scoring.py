"""What a transformer of the family knows, and what it writes.

One teacher-forced pass gives the log-probability of each character of an answer, its end included.
Their sum ℓ is the target log-likelihood, and exp ℓ is the probability that a sample at temperature
1 is the answer, character for character: the expected exact match, without a sample. Only metrics
of wrong answers (token accuracy, token edit distance) need generations.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from mirage.arithmetic.model import Transformer, generate
from mirage.arithmetic.problems import decode, encode, n_read
from mirage.arithmetic.tasks import Task
from mirage.metrics import strings
from mirage.metrics.strings import token_accuracy, token_edit_distance

CHUNK = 1000  # items in a pass, so that activations stay in the processor's cache
TEMPERATURES = (0.0, 1.0)  # the paper's
GENERATED = {
    "exact match": strings.exact_match,
    "token accuracy": token_accuracy,
    "token edit distance": token_edit_distance,
}


class Forced(NamedTuple):
    """Teacher-forced answers, a row an item, in the order of the problems.

    Attributes
    ----------
    log_probs : ndarray of float32, shape (items, longest answer + 1)
        Of each character of the answer given those before it, its end included, in nats; 0, a
        certainty, after the end.
    correct : ndarray of bool, shape (items, longest answer + 1)
        Whether that character is the likeliest one; True after the end.
    """

    log_probs: np.ndarray
    correct: np.ndarray

    @property
    def log_likelihood(self) -> np.ndarray:
        """Log-probability of each answer as a whole, float64 (items,), nats, at most 0."""
        return self.log_probs.sum(axis=1, dtype=np.float64)

    @property
    def exact_match(self) -> np.ndarray:
        """Whether greedy generation (temperature 0) is right, bool (items,)."""
        return self.correct.all(axis=1)


@torch.inference_mode()
def teacher_forced(model: Transformer, task: Task, problems: np.ndarray) -> Forced:
    """Score the right answers of problems in one pass.

    Parameters
    ----------
    model : mirage.arithmetic.model.Transformer
        Trained on the task.
    task : Task
    problems : ndarray of int, shape (items, 2)
        Operands.

    Returns
    -------
    Forced

    Notes
    -----
    The model is right under greedy generation exactly if each character is the likeliest given
    the right ones before it: up to its first error, generation has read the same.
    """
    model.eval()
    tokens, answer = (torch.from_numpy(part) for part in encode(task, problems))
    length = task.target_lengths[-1] + 1
    log_probs = torch.zeros(len(tokens), length)
    correct = torch.ones(len(tokens), length, dtype=torch.bool)
    for start in range(0, len(tokens), CHUNK):
        part = slice(start, start + CHUNK)
        row, wanted = tokens[part].long(), answer[part]
        logits, target = model(row[:, :-1], wanted), row[:, 1:][wanted]
        place = wanted.cumsum(1)[wanted] - 1  # of the character in its answer
        item = start + wanted.nonzero()[:, 0]
        log_probs[item, place] = -F.cross_entropy(logits, target, reduction="none")
        correct[item, place] = logits.argmax(dim=-1) == target
    return Forced(log_probs.numpy(), correct.numpy())


def completions(
    model: Transformer, task: Task, problems: np.ndarray, temperature: float, seed: int = 0
) -> list[str]:
    """Let a model answer problems, once each.

    Parameters
    ----------
    model : mirage.arithmetic.model.Transformer
        Trained on the task.
    task : Task
    problems : ndarray of int, shape (items, 2)
        Operands.
    temperature : float
        0 takes the likeliest character each time.
    seed : int
        Of the samples.

    Returns
    -------
    list of str
        What precedes the first end, cut off after one character more than the longest answer has:
        a model that does not stop is wrong by the surplus, as in the paper.
    """
    questions = torch.from_numpy(encode(task, problems).tokens[:, : n_read(task)]).long()
    generator = torch.Generator().manual_seed(seed)
    n_new = task.target_lengths[-1] + 1
    parts = questions.split(CHUNK)
    new = [generate(model, part, n_new, temperature, generator) for part in parts]
    return decode(task, torch.cat(new).numpy())


def scores(
    model: Transformer, task: Task, problems: np.ndarray, seed: int = 0
) -> list[dict[str, float | int | str | None]]:
    """Measure a model on problems with every metric, at both temperatures, by target length.

    Parameters
    ----------
    model : mirage.arithmetic.model.Transformer
        Trained on the task.
    task : Task
    problems : ndarray of int, shape (items, 2)
        Operands.
    seed : int
        Of the samples at temperature 1.

    Returns
    -------
    list of dict
        ``metric, temperature, target_length, score, n_items, loss``; a target length of None is
        all lengths together. ``loss`` is the cross-entropy of the same items in nats per
        character of the answer, its end included. *Expected exact match* and *target
        log-likelihood* (nats per item) are exact and belong to temperature 1.
    """
    answers = [str(answer) for answer in task.answer(*problems.T).tolist()]
    lengths = np.array([len(answer) for answer in answers])
    forced = teacher_forced(model, task, problems)
    items = {
        ("expected exact match", 1.0): np.exp(forced.log_likelihood),
        ("target log-likelihood", 1.0): forced.log_likelihood,
    }
    for temperature in TEMPERATURES:
        given = completions(model, task, problems, temperature, seed)
        items |= {(name, temperature): metric(given, answers) for name, metric in GENERATED.items()}
    rows = []
    for length in (None, *np.unique(lengths).tolist()):
        chosen = np.ones(len(lengths), bool) if length is None else lengths == length
        n_tokens = (lengths[chosen] + 1).sum()
        common = {"target_length": length, "n_items": int(chosen.sum())}
        common["loss"] = float(-forced.log_likelihood[chosen].sum() / n_tokens)
        rows += [
            common | {"metric": name, "temperature": t, "score": float(values[chosen].mean())}
            for (name, t), values in items.items()
        ]
    return rows
