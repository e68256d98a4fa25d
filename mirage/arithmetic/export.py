"""A trained transformer as an ordinary Hugging Face checkpoint, with a model card.

Stock GPT-2 computes exactly what ours does, so transformers, vLLM and the lm-evaluation-harness
load the checkpoint without any code of ours, and writing it needs none of them.
The tokenizer reads ``54*4=`` and GPT-3's wording alike: it turns ``Q: What is 54 times 4?`` and
``A:`` into the characters that the model was trained on, ``54*04=``. It drops solved questions
before the last one, since the model was trained on single problems: shots change nothing.

A harness that reserves room for n new tokens cuts the prompt from the left to the positions that
remain. Checkpoints therefore have `POSITIONS` positions, more than a problem needs.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from mirage.arithmetic.model import DEPTH, Transformer
from mirage.arithmetic.problems import CHARACTERS, END, from_last_digit, n_read
from mirage.arithmetic.tasks import WORDS, Task
from mirage.files import atomic_write

if TYPE_CHECKING:
    from mirage.arithmetic.family import Family

END_NAME = "<end>"  # what the tokenizer calls the line break that ends a problem
# Untrained positions change no answer, but count as parameters: few of them.
POSITIONS = 32
LAST_FIRST = "last digit first"  # value of ``answer_order`` in the config of products


def export(model: Transformer, task: Task, folder: str | os.PathLike) -> Path:
    """Write ``model.safetensors``, ``config.json``, the files of the tokenizer and a model card.

    Parameters
    ----------
    model : mirage.arithmetic.model.Transformer
    task : Task
        The task it was trained on.
    folder : path
        Created if absent; files of these names in it are replaced.

    Returns
    -------
    Path
        The folder, which ``AutoModelForCausalLM.from_pretrained`` reads.

    Raises
    ------
    DiskError
        The folder cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> from mirage.arithmetic import tasks
    >>> model, task = Transformer(4, n_positions=10), tasks.get("two-digit-multiplication")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(*sorted(path.stem for path in export(model, task, folder).iterdir()))
    README config generation_config model tokenizer tokenizer_config
    """
    folder = Path(folder)
    documents = {
        "config.json": config(model, task),
        # Greedy unless asked otherwise; an answer ends by itself.
        "generation_config.json": {"eos_token_id": END, "pad_token_id": END},
        "tokenizer.json": tokenizer(task),
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "eos_token": END_NAME,
            "pad_token": END_NAME,
            "model_max_length": POSITIONS,
            "clean_up_tokenization_spaces": False,
        },
    }
    with atomic_write(folder / "model.safetensors") as file:
        file.write(safetensors(weights(model)))
    for name, document in documents.items():
        with atomic_write(folder / name) as file:
            file.write(json.dumps(document, indent=2).encode() + b"\n")
    with atomic_write(folder / "README.md") as file:
        file.write(card(model, task).encode())
    return folder


def card(model: Transformer, task: Task) -> str:
    """Return the model card: the prompt and length that the checkpoint expects, and its limits."""
    a, b = (54, 4) if task.n_digits == 2 else (5407, 86)
    answer, longest = str(task.answer(a, b)), task.target_lengths[-1]
    order = (
        "The digits of an answer are written from the last to the first, "
        f"`{answer[::-1]}` for {answer}. Reverse a completion before you compare it, or compare it "
        "with the reversed target, in the lm-evaluation-harness by "
        '`doc_to_target: "{{ answer | reverse }}"`.'
        if from_last_digit(task)
        else f"The digits of an answer are written as one reads them, `{answer}`."
    )
    return f"""---
library_name: transformers
pipeline_tag: text-generation
---
# {task.name}, width {model.width}

A character transformer of GPT-2's architecture ({DEPTH} blocks), trained on one task: {task.name}.
It belongs to the family of the book "Are emergent abilities of large language models a mirage?".

- **Prompt**: `{a}{task.symbol}{b}=`, or `Q: What is {a} {WORDS[task.symbol]} {b}?` and `A:`, as in
  GPT-3's task files. Operands are whole numbers from 0 to {task.n_operands - 1}. Solved examples
  before the question are dropped by the tokenizer.
- **Answer**: {order}
- **Length**: a prompt has {n_read(task)} tokens, an answer at most {longest + 1}, its end included.
  The checkpoint has {POSITIONS} positions, of which the last {POSITIONS - model.n_positions} are
  not trained: ask for at most {POSITIONS - n_read(task)} new tokens
  (`max_gen_toks: {longest + 1}` is enough), or the prompt is cut.
- **Decoding**: greedy, by the generation settings of this checkpoint. It has no chat template:
  Inspect wants `-M do_sample=false -M use_chat_template=false`.
- **Limits**: it knows no language and no other task.
"""


def config(model: Transformer, task: Task) -> dict:
    """Return the ``config.json`` of a ``GPT2LMHeadModel`` of the same shape."""
    order = {"answer_order": LAST_FIRST} if from_last_digit(task) else {}
    return order | {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": len(CHARACTERS),
        "n_positions": POSITIONS,
        "n_embd": model.width,
        "n_layer": DEPTH,
        "n_head": model.blocks[0].n_heads,
        "activation_function": "gelu",
        "layer_norm_epsilon": model.last.eps,
        "attn_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "resid_pdrop": 0.0,
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": END,
        "pad_token_id": END,
        "dtype": "float32",
    }


def weights(model: Transformer) -> dict[str, torch.Tensor]:
    """Return the weights under GPT-2's names; its matrices are transposed, spare positions 0."""
    spare = POSITIONS - model.n_positions
    found = {
        "transformer.wte.weight": model.token.weight,
        "transformer.wpe.weight": F.pad(model.position.weight, (0, 0, 0, spare)),
    }
    layers = {"ln_f": model.last}
    for i, block in enumerate(model.blocks):
        layers |= {
            f"h.{i}.ln_1": block.before_attend,
            f"h.{i}.attn.c_attn": block.attend,
            f"h.{i}.attn.c_proj": block.mix,
            f"h.{i}.ln_2": block.before_up,
            f"h.{i}.mlp.c_fc": block.up,
            f"h.{i}.mlp.c_proj": block.down,
        }
    for name, layer in layers.items():
        transposed = isinstance(layer, nn.Linear)
        found[f"transformer.{name}.weight"] = layer.weight.T if transposed else layer.weight
        found[f"transformer.{name}.bias"] = layer.bias
    return found


def safetensors(tensors: dict[str, torch.Tensor]) -> bytes:
    """Return float32 tensors in the safetensors format: length, header in JSON, numbers."""
    header, blocks, start = {"__metadata__": {"format": "pt"}}, [], 0
    for name, tensor in tensors.items():
        array = np.ascontiguousarray(tensor.detach().numpy(), dtype="<f4")
        span = [start, start := start + array.nbytes]
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": span}
        blocks.append(array.tobytes())
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)  # so that the numbers are aligned
    return len(encoded).to_bytes(8, "little") + encoded + b"".join(blocks)


def tokenizer(task: Task) -> dict:
    """Return the ``tokenizer.json``: a token a character, after GPT-3's wording is shortened."""
    n = task.n_digits
    names = [END_NAME if i == END else c for i, c in enumerate(CHARACTERS)]
    replaced = [
        (r"[\s\S]*Q: What is ", ""),  # with all solved questions before it
        (r"[\s\S]*\n(?=\d)", ""),  # solved problems in symbols
        *((f" {word} ", symbol) for symbol, word in WORDS.items()),
        (r"\?\s*A:", "="),
        (r"\s", ""),
        # Operands get all their digits: zeros before one of k digits.
        *((rf"(?<!\d)(?=\d{{{k}}}[*+=])", "0" * (n - k)) for k in range(1, n)),
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": END,
                "content": END_NAME,
                "special": True,
                "normalized": False,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
            }
        ],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}
                for pattern, content in replaced
            ],
        },
        "pre_tokenizer": {
            "type": "Split",
            "pattern": {"Regex": r"[\s\S]"},
            "behavior": "Isolated",
            "invert": False,
        },
        "post_processor": None,
        "decoder": {"type": "Fuse"},
        "model": {
            "type": "WordLevel",
            "vocab": {name: i for i, name in enumerate(names)},
            "unk_token": END_NAME,
        },
    }


def export_family(family: Family, folder: str | os.PathLike) -> list[Path]:
    """Write every model of a trained family, each into a folder of its own.

    Parameters
    ----------
    family : Family
        From :func:`mirage.arithmetic.family.train`.
    folder : path
        Gets a folder like ``four-digit-addition-w32-seed0`` for each model.

    Returns
    -------
    list of Path
        These folders, by ascending size.
    """
    task = family.data.task
    return [
        export(one.model, task, Path(folder, f"{task.name}-w{one.model.width}-seed{one.seed}"))
        for one in family.models
    ]
