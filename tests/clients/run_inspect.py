"""Run Inspect, in its own environment, over checkpoints with its Hugging Face provider.

Usage: python run_inspect.py FOLDER_OF_ITEMS OUT TASK=CHECKPOINT...

TASK.jsonl has a line per item: id, input and target. TASK is NAME:TOKENS, what an answer may have.
"""

import sys
from pathlib import Path

from inspect_ai import Task, eval
from inspect_ai.dataset import json_dataset
from inspect_ai.model import GenerateConfig, get_model
from inspect_ai.scorer import exact
from inspect_ai.solver import generate

folder, out, *asked = sys.argv[1:]
for name, checkpoint in (pair.split("=", 1) for pair in asked):
    task, tokens = name.rsplit(":", 1)
    model = get_model(
        f"hf/{Path(checkpoint).name}",
        model_path=checkpoint,
        tokenizer_path=checkpoint,
        device="cpu",
        do_sample=False,
        use_chat_template=False,
    )
    (log,) = eval(
        Task(
            dataset=json_dataset(str(Path(folder, f"{task}.jsonl"))),
            solver=generate(),
            scorer=exact(),
            name=task,
            config=GenerateConfig(max_tokens=int(tokens), max_connections=64),
        ),
        model=model,
        log_dir=out,
        display="none",
    )
    if log.status != "success":
        sys.exit(f"{checkpoint}: {log.status}: {log.error}")
