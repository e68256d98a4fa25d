"""What an OpenAI-compatible server sends, and the log-likelihood in it.

Only the fields that are read are named; an answer without them is refused when it is decoded.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Annotated

import msgspec

from mirage.evaluation.messages import Answer, Request


class Logprobs(msgspec.Struct):
    """Log-probabilities (nats) of tokens; the first token of a text has none."""

    tokens: list[str] | None = None
    token_logprobs: list[float | None] | None = None


class Text(msgspec.Struct):
    """What a model wrote."""

    text: str
    logprobs: Logprobs | None = None


class Completion(msgspec.Struct):
    """The answer of ``/v1/completions``."""

    choices: Annotated[list[Text], msgspec.Meta(min_length=1)]


class Message(msgspec.Struct):
    """What a model said."""

    content: str | None = None


class Reply(msgspec.Struct):
    """One reply."""

    message: Message


class Chat(msgspec.Struct):
    """The answer of ``/v1/chat/completions``."""

    choices: Annotated[list[Reply], msgspec.Meta(min_length=1)]


def log_likelihood(request: Request, choice: Text) -> Answer:
    """Find the target's tokens in an echoed prompt by their text, and sum their log p.

    Parameters
    ----------
    request : Request
        Its prompt and target were sent as one prompt, with ``echo``.
    choice : Text
        What came back, with the tokens of the prompt.

    Returns
    -------
    Answer
        With the log-likelihood, or the reason why it cannot be read off.

    Examples
    --------
    >>> back = Text("", Logprobs(["3*4", "=", "1", "2", "."], [None, -9.0, -1.0, -2.0, -7.0]))
    >>> log_likelihood(Request("key", "3*4=", "12", None, 0, 1), back).log_likelihood
    -3.0
    """
    tokens = choice.logprobs and choice.logprobs.tokens
    log_probs = choice.logprobs and choice.logprobs.token_logprobs
    if not tokens or not log_probs or len(tokens) != len(log_probs):
        return Answer(request.key, reason="the server gives no log-probabilities")
    # A begin-of-text token may precede the prompt, one generated token follows the target.
    begin = "".join(tokens).find(request.prompt + request.target)
    if begin < 0:
        return Answer(request.key, reason="the server does not echo the prompt with its tokens")
    ends = [0, *accumulate(map(len, tokens))]
    first, last = begin + len(request.prompt), begin + len(request.prompt + request.target)
    if first not in ends or last not in ends:
        return Answer(request.key, reason="a token of this model spans an end of the target")
    # Tokens without text (a special one) may share an end: the target's begin after the last.
    begin_token = len(ends) - 1 - ends[::-1].index(first)
    values = log_probs[begin_token : ends.index(last)]
    if any(value is None for value in values):
        return Answer(request.key, reason="the server gives no log-probability of the target")
    return Answer(request.key, log_likelihood=sum(values))
