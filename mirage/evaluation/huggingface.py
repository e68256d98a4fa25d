"""Backend for Hugging Face checkpoints, on this machine or on the Hub, through transformers.

Decoding is pure: the likeliest token at temperature 0, a sample of the model's own distribution at
temperature 1, whatever top-p, top-k or penalties the checkpoint's generation_config.json has.
A batch holds prompts of one length, so that nothing is padded, and each question has its own
sampling noise: an answer does not depend on what else was asked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mirage.evaluation.messages import NO_CHANCE, Answer, Request, UnknownModelError, first_line
from mirage.files import MirageError, sha256
from mirage.formatting import remedy

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


def import_transformers():
    """Import transformers, or raise an error that says how to install it.

    Returns
    -------
    module
        ``transformers``, quiet: no bars of its own, no warnings of level "info".

    Raises
    ------
    MirageError
        The extra ``[llm]`` is not installed.

    Notes
    -----
    Its models import torchvision, which is taken from the one place where it imports beside a
    CPU-only torch; see ``mirage/_torchvision.py``.
    """
    try:
        import transformers
    except ImportError as error:
        raise MirageError(
            f"{error}: language models need the extra [llm]; {remedy('llm')}"
        ) from error
    import mirage._torchvision  # noqa: F401  before transformers looks for it

    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    return transformers


class Checkpoint:
    """A causal language model in a folder or on the Hub.

    Parameters
    ----------
    name : str
        A folder with ``config.json``, or a name on the Hub with an optional revision:
        ``EleutherAI/pythia-70m@step1000``.
    family : str, optional
        What the model is a size of; default its architecture, e.g. ``gpt_neox``.
    batch : int
        Most questions that are asked at once.

    Attributes
    ----------
    name, family : str
        As given.
    n_params : int
        Number of parameters; shared ones count once.
    identity : str
        Changes with the weights: the SHA-256 of the folder's files, or the Hub's commit.

    Raises
    ------
    UnknownModelError
        There is no such folder or name.
    MirageError
        It is there, but damaged, or no model that continues text.
    """

    def __init__(self, name: str, family: str | None = None, batch: int = 32):
        transformers = import_transformers()
        folder = Path(name).expanduser()
        self._place: dict = {"pretrained_model_name_or_path": folder}
        if not folder.is_dir():
            hub_name, _, revision = name.partition("@")
            self._place = {"pretrained_model_name_or_path": hub_name, "revision": revision or None}
        try:
            config = transformers.AutoConfig.from_pretrained(**self._place)
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(**self._place)
        except (OSError, ValueError) as error:
            raise UnknownModelError(_what_there_is(name, folder, error)) from error
        except Exception as error:  # each tokenizer has its own for a file that is damaged
            raise _unusable(name, error) from error
        self.name, self.family, self._batch = name, family or config.model_type, batch
        try:
            self.n_params = _count(config)
        except Exception as error:  # whatever the class of a model makes of its configuration
            raise _unusable(name, error) from error
        self._limit = getattr(config, "max_position_embeddings", None) or math.inf
        from mirage.arithmetic.export import LAST_FIRST  # here, because it imports torch

        # Products of this book's own family are written from their last digit.
        self._reversed = getattr(config, "answer_order", None) == LAST_FIRST
        commit = getattr(config, "_commit_hash", None)
        self.identity = f"hf {commit or _digest(folder)}"

    def answer(self, requests: Iterable[Request], record: Callable[..., None]) -> None:
        """Answer requests in batches.

        Parameters
        ----------
        requests : iterable of Request
            In any order.
        record : callable
            Takes the answers of each batch as soon as it is done.

        Raises
        ------
        MirageError
            The weights are absent or damaged, or the memory does not hold them.
        """
        import torch

        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        try:
            model = _load(self._place).to(device)
        except Exception as error:  # of transformers, safetensors, torch, or the Hub
            raise _unusable(self.name, error) from error
        for batch in self._batches(requests):
            try:
                with torch.inference_mode():
                    answers = self._ask(model, batch)
            except (RuntimeError, ValueError, IndexError) as error:
                wrong = f"{type(error).__name__}: {error}".splitlines()[0]
                answers = [Answer(request.key, error=wrong) for request in batch]
            record(*answers)

    def _batches(self, requests: Iterable[Request]) -> Iterator[list[Request]]:
        """Group requests by temperature, length of the prompt and length with the target."""

        def shape(request: Request):
            length, total = self._lengths(request)
            sampled = request.temperature is not None
            return (sampled, request.temperature or 0.0, request.max_tokens, length, total)

        for _, group in groupby(sorted(requests, key=shape), shape):
            group = list(group)
            for start in range(0, len(group), self._batch):
                yield group[start : start + self._batch]

    def _lengths(self, request: Request) -> tuple[int, int]:
        length = len(self._tokenizer(request.prompt).input_ids)
        if request.temperature is not None:
            return length, length + request.max_tokens
        return length, len(self._tokenizer(self._whole(request)).input_ids)

    def _whole(self, request: Request) -> str:
        """Return the prompt with its target, in the order in which the model writes."""
        target = request.target.strip()[::-1] if self._reversed else request.target
        return request.prompt + target

    def _ask(self, model: PreTrainedModel, batch: list[Request]) -> list[Answer]:
        length, total = self._lengths(batch[0])
        scored = batch[0].temperature is None
        if (total - 1 if scored else length) > self._limit:  # the last token is not read
            raise ValueError(f"the text has {total} tokens, but the model reads {self._limit}")
        if scored:
            return self._score(model, batch, length)
        return self._generate(model, batch, length)

    def _generate(self, model: PreTrainedModel, batch: list[Request], length: int) -> list[Answer]:
        import torch

        prompts = self._encode(model, [request.prompt for request in batch])
        written = model.generate(
            prompts,
            attention_mask=torch.ones_like(prompts),
            max_new_tokens=min(batch[0].max_tokens, self._limit - length + 1),
            logits_processor=[_gumbel(batch)] if batch[0].temperature else [],
            stopping_criteria=[self._line_is_full(length)],
        )
        end = model.generation_config.eos_token_id
        texts = (self._decode(tokens, end) for tokens in written[:, length:].tolist())
        lines = (first_line(text) for text in texts)
        return [
            Answer(request.key, completion=line[::-1] if self._reversed else line)
            for request, line in zip(batch, lines, strict=True)
        ]

    def _line_is_full(self, length: int) -> Callable:
        """Stop generating a row after its first non-empty line; other rows continue."""
        import torch

        def full(tokens: torch.Tensor, _scores: object, **_: object) -> torch.Tensor:
            texts = self._tokenizer.batch_decode(tokens[:, length:])
            return torch.tensor(["\n" in text.lstrip() for text in texts], device=tokens.device)

        return full

    def _decode(self, tokens: list[int], end: int | list[int] | None) -> str:
        ends = {end} if isinstance(end, int) else set(end or ())
        cut = next((i for i, token in enumerate(tokens) if token in ends), len(tokens))
        return self._tokenizer.decode(tokens[:cut], skip_special_tokens=True)

    def _score(self, model: PreTrainedModel, batch: list[Request], length: int) -> list[Answer]:
        """Sum log p over the tokens of the target, in one pass."""
        import torch

        prompts = self._encode(model, [request.prompt for request in batch])
        whole = self._encode(model, [self._whole(request) for request in batch])
        if not torch.equal(whole[:, :length], prompts):
            reason = "a token of this model spans the end of the prompt and the target's begin"
            return [Answer(request.key, reason=reason) for request in batch]
        logits = model(whole, attention_mask=torch.ones_like(whole)).logits[:, length - 1 : -1]
        log_probs = logits.float().log_softmax(dim=-1)  # (items, target length, vocabulary)
        sums = log_probs.gather(-1, whole[:, length:, None]).sum(dim=(1, 2)).tolist()
        return [
            Answer(request.key, log_likelihood=value)
            if math.isfinite(value)
            else Answer(request.key, reason=NO_CHANCE)
            for request, value in zip(batch, sums, strict=True)
        ]

    def _encode(self, model: PreTrainedModel, texts: list[str]) -> torch.Tensor:
        import torch

        return torch.tensor(self._tokenizer(texts).input_ids, device=model.device)


def _load(place: dict) -> PreTrainedModel:
    transformers = import_transformers()
    model = transformers.AutoModelForCausalLM.from_pretrained(**place, dtype="auto").eval()
    end = model.generation_config.eos_token_id
    first_end = end[0] if isinstance(end, list) else end
    # The checkpoint's own top-p, top-k and penalties would change what temperature 1 means.
    model.generation_config = transformers.GenerationConfig(
        eos_token_id=end, pad_token_id=first_end or 0, do_sample=False
    )
    return model


def _gumbel(batch: list[Request]) -> Callable:
    """Sample by adding Gumbel noise, separate for each row, and taking the largest logit."""
    import torch

    rngs = [np.random.default_rng(request.seed) for request in batch]

    def add_noise(_tokens: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        noise = np.stack([rng.gumbel(size=logits.shape[-1]) for rng in rngs])
        return logits / batch[0].temperature + torch.as_tensor(noise).to(logits)

    return add_noise


def _count(config) -> int:
    """Count parameters without reading the weights."""
    import torch

    transformers = import_transformers()
    with torch.device("meta"):
        return transformers.AutoModelForCausalLM.from_config(config).num_parameters()


def _digest(folder: Path) -> str:
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return " ".join(f"{path.name}={sha256(path)}" for path in files)


def _unusable(name: str, error: Exception) -> MirageError:
    return MirageError(f"cannot load the model {name!r}: {type(error).__name__}: {error}")


def _what_there_is(name: str, folder: Path, error: Exception) -> str:
    where = folder if folder.is_dir() else folder.parent
    found = sorted(path.parent.name for path in where.glob("*/config.json"))[:20]
    there = f"checkpoints in {where}: {', '.join(found) or 'none'}"
    why = " ".join(str(error).split())
    return f"no model {name!r}: neither a folder with config.json nor on the Hub; {there}. ({why})"
