"""Backend for OpenAI-compatible servers: vLLM, llama.cpp, a cloud service.

The openai package speaks to the server: it asks again, with growing pauses or after the time that
``Retry-After`` names, where the answer is 429 or 5xx, late, or cut off. An answer that is not the
JSON of a completion is asked for again too, and what stays wrong is an error of that item alone.
"""

from __future__ import annotations

import asyncio
import base64
import importlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import msgspec

from mirage.evaluation.messages import Answer, Request, UnknownModelError
from mirage.evaluation.server_replies import Chat, Completion, completion, log_likelihood
from mirage.evaluation.urls import proxy, public_url
from mirage.files import MirageError
from mirage.formatting import printable, remedy
from mirage.readers.files import BadFile, decode

if TYPE_CHECKING:
    from openai import AsyncOpenAI

T = TypeVar("T")
LEAST_KEY = 8  # characters of a key that a completion holds by no chance
MOST_BYTES = 16 * 2**20  # of one answer: a thousand times what the longest prompt echoes


class Server:
    """A model on an OpenAI-compatible server.

    Parameters
    ----------
    url : str
        Up to and with the version, e.g. ``http://localhost:8000/v1``.
    name : str
        What the server calls the model.
    n_params : int
        Number of parameters; no server tells it.
    family : str, optional
        What the model is a size of; default the URL.
    chat : bool
        Ask ``/chat/completions``, with the prompt as the user's message, instead of
        ``/completions``. It cannot give the log-likelihood of a target.
    api_key : str
        Sent as the bearer token; local servers need none. Where errors or completions quote it,
        it is replaced by ``***``; in completions only a key of at least `LEAST_KEY` characters,
        since a shorter one, such as the ``1`` that some local servers ask for, is mostly a part
        of the answer.
    concurrency : int
        Questions in flight at once.
    rate : float, optional
        Most requests per second, repeated ones included.
    retries : int
        How often a question is asked again before it counts as failed.
    timeout : float
        Seconds after which a request without a whole answer counts as lost.
    give_up : int
        Failed questions in a row after which the server counts as gone.

    Notes
    -----
    A proxy that the environment names (``HTTPS_PROXY``, but for ``NO_PROXY``) is used, but never
    for a server on this machine.

    Attributes
    ----------
    identity : str
        The URL of the endpoint and the model's name there.
    """

    def __init__(
        self,
        url: str,
        name: str,
        n_params: int,
        family: str | None = None,
        *,
        chat: bool = False,
        api_key: str = "",
        concurrency: int = 8,
        rate: float | None = None,
        retries: int = 8,
        timeout: float = 60.0,
        give_up: int = 20,
    ):
        public = public_url(url)
        self.name, self.n_params, self.family = name, n_params, family or public
        self.identity = f"{public.rstrip('/')}/{'chat/' if chat else ''}completions {name}"
        self._public = public
        self._url, self._chat, self._key = url, chat, api_key
        self._concurrency, self._retries, self._timeout = concurrency, retries, timeout
        self._interval = 1 / rate if rate else 0.0
        self._give_up, self._failed_in_a_row, self._answered = give_up, 0, False
        self._next_start = 0.0
        self._scored, self._refusal = False, "the chat endpoint scores no given text" * chat

    def answer(self, requests: Iterable[Request], record: Callable[..., None]) -> None:
        """Send many requests at the same time.

        Parameters
        ----------
        requests : iterable of Request
            Asked in this order; the first alone, so that a wrong key or name costs one request.
        record : callable
            Takes each answer as soon as it comes.

        Raises
        ------
        UnknownModelError
            The server does not have the model.
        MirageError
            The server refuses the key, or has answered none of the last `give_up` questions.
        """
        answers = self._answer_all(iter(requests), record)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            asyncio.run(answers)
        else:  # a notebook has a loop of its own, which cannot run a second one
            with ThreadPoolExecutor(1) as thread:
                thread.submit(asyncio.run, answers).result()

    async def _answer_all(self, requests: Iterator[Request], record: Callable[..., None]) -> None:
        async def work(client: AsyncOpenAI, requests: Iterator[Request]) -> None:
            for request in requests:  # shared: each worker takes the next one
                record(await self._answer(client, request))

        async with self._client() as client:
            await work(client, islice(requests, 1))
            await asyncio.gather(*(work(client, requests) for _ in range(self._concurrency)))

    def _client(self) -> AsyncOpenAI:
        try:
            import openai
        except ImportError as error:
            raise MirageError(f"{error}: servers need the extra [llm]; {remedy('llm')}") from error
        return openai.AsyncOpenAI(
            base_url=self._url,
            api_key=self._key or "none",
            max_retries=self._retries,
            timeout=self._timeout,
            http_client=openai.DefaultAsyncHttpxClient(
                transport=_bounded(self._timeout, proxy(self._url)),
                event_hooks={"request": [self._pace]},
                follow_redirects=False,  # the questions are for this host alone
            ),
        )

    async def _pace(self, _request: object) -> None:
        """Wait until the rate limit allows the next request."""
        now = time.monotonic()
        start = max(now, self._next_start)
        self._next_start = start + self._interval
        await asyncio.sleep(start - now)

    async def _answer(self, client: AsyncOpenAI, request: Request) -> Answer:
        import openai

        try:
            answer = await (
                self._score(client, request)
                if request.temperature is None
                else self._complete(client, request)
            )
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise MirageError(
                f"{self._public} refuses the key ({self._describe(error)}): put the right one into "
                "the variable that --key-variable names"
            ) from None
        except (openai.APIError, BadFile) as error:
            if self._is_unknown(error):
                raise UnknownModelError(await self._what_there_is(client, error)) from None
            self._failed_in_a_row += 1
            if self._failed_in_a_row >= self._give_up:
                raise MirageError(
                    f"{self._public} answered none of the last {self._give_up} questions "
                    f"({self._describe(error)}); the same command later goes on from here"
                ) from None
            return Answer(request.key, error=self._describe(error))
        if answer.reason is None:  # a refused log-likelihood says nothing of the rest
            self._failed_in_a_row, self._answered = 0, True
        return answer

    def _is_unknown(self, error: Exception) -> bool:
        """Whether the server does not have the model; transformers reports that with status 400."""
        status = getattr(error, "status_code", None)
        named = status == 400 and self.name in self._describe(error)
        return not self._answered and (status == 404 or named)

    async def _complete(self, client: AsyncOpenAI, request: Request) -> Answer:
        # No stop text: transformers' server fails on it where the vocabulary is small.
        options = {
            "model": self.name,
            "temperature": request.temperature,
            "top_p": 1,
            "seed": request.seed,
            "max_tokens": request.max_tokens,
        }
        if self._chat:
            options["messages"] = [{"role": "user", "content": request.prompt}]
            create = client.chat.completions.with_raw_response.create
            reply = await self._ask(Chat, create, **options)
        else:
            create = client.completions.with_raw_response.create
            reply = await self._ask(Completion, create, prompt=request.prompt, **options)
        answer = completion(request, reply.choices[0])
        if answer.completion is None or len(self._key) < LEAST_KEY:
            return answer
        return msgspec.structs.replace(answer, completion=self._redacted(answer.completion))

    async def _score(self, client: AsyncOpenAI, request: Request) -> Answer:
        """Request the log-probabilities of the prompt followed by its target ("echo")."""
        import openai

        if self._refusal:
            return Answer(request.key, reason=self._refusal)
        try:
            reply = await self._ask(
                Completion,
                client.completions.with_raw_response.create,
                model=self.name,
                prompt=request.prompt + request.target,
                temperature=0,
                max_tokens=1,  # not 0, which some servers take for "no limit"
                logprobs=1,
                echo=True,
            )
            answer = log_likelihood(request, reply.choices[0])
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            answer = Answer(request.key, reason=self._describe(error))
        if answer.reason and not self._scored:
            self._refusal = answer.reason  # it never gave any: do not ask for each item
        self._scored |= answer.reason is None
        return answer

    async def _ask(self, kind: type[T], create: Callable, **options) -> T:
        for again in count():
            raw = await create(**options)
            try:
                return decode(msgspec.json.Decoder(kind), raw.http_response.content)
            except BadFile:
                if again == self._retries:
                    raise
            await asyncio.sleep(min(0.5 * 2**again, 8.0))  # as the openai package does

    def _describe(self, error: Exception) -> str:
        """Describe an error on one line, without the key."""
        import openai

        if isinstance(error, openai.APITimeoutError):
            text = f"no answer within {self._timeout:g} s"
        elif isinstance(error, openai.APIConnectionError):
            text = f"no connection: {error.__cause__ or error}"
        elif isinstance(error, BadFile):
            text = f"not the JSON of a completion: {error}"
        elif isinstance(error, openai.APIStatusError):
            text = f"{error.status_code}: {error.response.text}"
        else:
            text = str(error)
        # The key goes first: cut before, half of it would stay.
        return printable(self._redacted(text))[:300]

    def _redacted(self, text: str) -> str:
        """Remove the key, in any form in which a server or a proxy may quote it."""
        if not self._key:
            return text
        encoded = base64.b64encode(self._key.encode()).decode()
        forms = {self._key, repr(self._key)[1:-1], json.dumps(self._key)[1:-1], quote(self._key)}
        for form in sorted({*forms, quote(self._key, safe=""), encoded.rstrip("=")}, key=len):
            text = text.replace(form, "***")
        return text

    async def _what_there_is(self, client: AsyncOpenAI, error: Exception) -> str:
        import openai

        try:
            there = ", ".join(sorted([model.id async for model in client.models.list()])[:20])
        except (openai.APIError, ValueError, AttributeError, TypeError):
            there = ""
        listed = f"it lists {there}" if there else "it lists no models"
        return (
            f"{self._public} has no model {self.name!r} or no such endpoint "
            f"({self._describe(error)}); {listed}"
        )


def _bounded(timeout: float, proxy: str | None) -> Any:
    """Return an HTTP transport that limits each reply, in seconds and in bytes.

    The client bounds the time between two bytes only, so that a server could drip or flood for
    ever. How many requests are under way is the caller's affair.
    """
    import openai

    # The client of the openai package is of httpx, or of its successor httpx2 since version 3.
    (package,) = {
        base.__module__.partition(".")[0]
        for base in openai.DefaultAsyncHttpxClient.__mro__
        if base.__name__ == "AsyncClient"
    }
    httpx = importlib.import_module(package)

    class Stream(httpx.AsyncByteStream):
        def __init__(self, inner: Any, deadline: float):
            self._inner, self._deadline = inner, deadline

        async def __aiter__(self):
            n_bytes = 0
            async for part in self._inner:
                n_bytes += len(part)
                if time.monotonic() > self._deadline:
                    raise httpx.ReadTimeout(f"no whole answer within {timeout:g} s")
                if n_bytes > MOST_BYTES:
                    raise httpx.ReadError(f"the answer is longer than {MOST_BYTES} bytes")
                yield part

        async def aclose(self) -> None:
            await self._inner.aclose()

    class Transport(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: Any) -> Any:
            deadline = time.monotonic() + timeout
            response = await super().handle_async_request(request)
            response.stream = Stream(response.stream, deadline)
            return response

    return Transport(limits=httpx.Limits(max_connections=None), proxy=proxy)
