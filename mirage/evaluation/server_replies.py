"""Replies of an OpenAI-compatible server, and the log-likelihood in them.

Only the fields that are read are named; an answer without them is refused when it is decoded.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Annotated

import msgspec

from mirage.evaluation.messages import NO_CHANCE, Answer, Request, first_line

# Servers write −9999 or less where they mean −∞: the probability of the token is 0.
LEAST_LOG_P = -1000.0
_THOUGHTS = re.compile(r"<(think|thinking|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_OPEN_THOUGHT = re.compile(r"<(think|thinking|reasoning)>", re.IGNORECASE)
_NUMBER = re.compile(r"\d(?:[\d,]*\d)?")


class Logprobs(msgspec.Struct):
    """Log-probabilities (nats) of tokens; the first token of a text has none."""

    tokens: list[str] | None = None
    token_logprobs: list[float | None] | None = None


class Text(msgspec.Struct):
    """A text completion."""

    text: str | None
    logprobs: Logprobs | None = None
    finish_reason: str | None = None


class Completion(msgspec.Struct):
    """The reply of ``/v1/completions``."""

    choices: Annotated[list[Text], msgspec.Meta(min_length=1)]


class Message(msgspec.Struct):
    """A chat message."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


class Reply(msgspec.Struct):
    """One choice of a chat reply."""

    message: Message
    finish_reason: str | None = None


class Chat(msgspec.Struct):
    """The reply of ``/v1/chat/completions``."""

    choices: Annotated[list[Reply], msgspec.Meta(min_length=1)]


def completion(request: Request, choice: Text | Reply) -> Answer:
    """Find the answer in a reply; a missing answer is an error, not a wrong answer.

    Parameters
    ----------
    request : Request
        What was asked.
    choice : Text or Reply
        What came back.

    Returns
    -------
    Answer
        With the completion: thoughts between ``<think>`` tags are left out, and where a server puts
        everything into a field of its own for reasoning, the last number in it is the answer.
        With an error where a content filter withheld the answer, or where the model was still
        thinking when its tokens ended.

    Examples
    --------
    >>> request = Request("key", "3*4=", "12", 0.0, 0, 8)
    >>> completion(request, Text("<think>tens, ones</think>\\n\\n12")).completion
    '\\n\\n12'
    >>> completion(request, Text("<think>tens,", finish_reason="length")).error
    'no answer: the model was still thinking after max_tokens = 8; allow more with --max-tokens'
    """
    if isinstance(choice, Reply):
        message = choice.message
        text, thoughts = message.content, message.reasoning_content or message.reasoning or ""
    else:
        text, thoughts = choice.text, ""
    if choice.finish_reason == "content_filter":
        return Answer(request.key, error="no answer: the server's content filter withheld it")
    if text is None and not thoughts:
        return Answer(request.key, error="no answer: the server sent no text")
    text = text or ""
    visible = _THOUGHTS.sub("", text)
    thinking = _OPEN_THOUGHT.search(visible) or (thoughts and not visible.strip())
    if thinking and choice.finish_reason == "length":
        return Answer(
            request.key,
            error="no answer: the model was still thinking after max_tokens = "
            f"{request.max_tokens}; allow more with --max-tokens",
        )
    if thoughts and not visible.strip():
        numbers = _NUMBER.findall(thoughts)
        visible = numbers[-1] if numbers else thoughts
    return Answer(request.key, completion=first_line(visible))


def log_likelihood(request: Request, choice: Text) -> Answer:
    """Find the tokens of the target in an echoed prompt by their text, and sum their log p.

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
    if max(values) > 0:
        return Answer(request.key, reason=f"the server gives a log-probability of {max(values):g}")
    if not any(value for value in log_probs if value is not None):
        return Answer(request.key, reason="the server gives 0 as the log-probability of each token")
    if min(values) <= LEAST_LOG_P:
        return Answer(request.key, reason=NO_CHANCE)
    return Answer(request.key, log_likelihood=sum(values))
