"""Run lm-evaluation-harness, in its own environment, over checkpoints: one process for all.

The same calls as of its command line, which for every model reads the 14 000 files of its tasks.

Usage: python run_lm_eval.py FOLDER_OF_TASKS OUT TASK=CHECKPOINT...
"""

import sys

import torch.utils.collect_env
from lm_eval import simple_evaluate
from lm_eval.loggers import EvaluationTracker
from lm_eval.tasks import TaskManager

# It asks pip for every package of the machine, for seconds and for each model.
torch.utils.collect_env.get_pretty_env_info = lambda: ""

folder, out, *asked = sys.argv[1:]
manager = TaskManager(include_path=folder, include_defaults=False)
for task, checkpoint in (pair.split("=", 1) for pair in asked):
    tracker = EvaluationTracker(output_path=out)
    results = simple_evaluate(
        model="hf",
        model_args={"pretrained": checkpoint},
        tasks=[task],
        batch_size=64,
        device="cpu",
        log_samples=True,
        evaluation_tracker=tracker,
        task_manager=manager,
    )
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples)
    tracker.save_results_samples(task_name=task, samples=samples[task])
