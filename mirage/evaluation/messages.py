"""Requests to models and their answers, shared by the backends and the journal."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import msgspec

NO_CHANCE = "the model gives the target the probability 0"  # why a log-likelihood is blank


class UnknownModelError(LookupError):
    """The model does not exist; the message lists the models that do."""


class Request(NamedTuple):
    """One request to a model.

    Attributes
    ----------
    key : str
        Names the question and everything its answer depends on; see :func:`key`.
    prompt : str
        What the model is to continue.
    target : str
        The right continuation.
    temperature : float or None
        0 for the likeliest tokens, 1 for a sample. None asks for no text but for the
        log-likelihood of the target.
    seed : int
        Of the sampling noise of this question, 0 to 2³¹ − 1.
    max_tokens : int
        Tokens that the model may write.
    """

    key: str
    prompt: str
    target: str
    temperature: float | None
    seed: int
    max_tokens: int


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer of a model, or why there is none.

    Parameters
    ----------
    key : str
        That of the :class:`Request`.
    completion : str, optional
        What the model wrote; its :func:`first_line`.
    log_likelihood : float, optional
        log p(target | prompt), nats, at most 0; the sum over the target's tokens.
    reason : str, optional
        Why a log-likelihood cannot be had. That is final: it is not asked for again.
    error : str, optional
        What went wrong. The next run asks again.
    """

    key: str
    completion: str | None = None
    log_likelihood: float | None = None
    reason: str | None = None
    error: str | None = None


def key(name: str, *parts: object) -> str:
    """Name a request: readable words, then a hash of everything that determines its answer.

    Parameters
    ----------
    name : str
        For the reader of the journal.
    *parts : str, int, float or None
        The model's identity, the prompt, the temperature, …

    Returns
    -------
    str
        The name and 16 hexadecimal digits.

    Examples
    --------
    >>> key("item 3", "What is 2 times 3?", 0.0)
    'item 3 #7e918d4264146c68'
    """
    return f"{name} #{hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:16]}"


def first_line(text: str) -> str:
    """Cut a completion after its first non-empty line.

    Few-shot prompts end an answer with a line break, and what a model writes after it is no answer.
    Servers differ in what they return of it, so that it is cut here and never asked of them.

    Examples
    --------
    >>> first_line(" 4275\\n\\nQ: What is"), first_line("\\n 6\\n"), first_line(" \\n")
    (' 4275', '\\n 6', ' \\n')
    """
    start = len(text) - len(text.lstrip())
    return text[:start] + text[start:].partition("\n")[0]
