"""Summaries of OpenCompass: a row per data set, a column per model, "-" where nothing was run.

``dataset,version,metric,mode,MODEL,MODEL,…`` as csv. Metrics that are at most 1
(`mirage.metrics.catalogue`) are in percent there, and are divided by 100.
"""

from __future__ import annotations

import csv

from mirage.metrics import catalogue
from mirage.readers.files import BadFile
from mirage.readers.found import Found, Source, number

NAME = "OpenCompass"
EXPECTED = "csv that begins with dataset,version,metric,mode"
_HEAD = ["dataset", "version", "metric", "mode"]


def matches(source: Source) -> bool:
    """Whether this is a summary of OpenCompass."""
    first = source.head.split(b"\n", 1)[0].decode("utf-8", "replace")
    return [cell.strip() for cell in first.split(",")][:4] == _HEAD


def read_file(source: Source) -> Found:
    """Read one summary."""
    lines = list(csv.reader(source.text.splitlines()))
    models = [cell.strip() for cell in lines[0][4:]]
    if not models:
        raise BadFile("found no column of a model after dataset,version,metric,mode")
    found = Found()
    for line in lines[1:]:
        if len(line) < 5 or line[2].strip() in ("-", ""):
            continue
        task, version, metric, mode = (cell.strip() for cell in line[:4])
        known = catalogue.find(metric)
        percent = known is not None and 0 < known.bounds[1] <= 1
        for model, cell in zip(models, line[4:], strict=False):
            if cell.strip() in ("-", ""):
                continue
            score = number(cell)
            if percent and score is not None:
                score = round(score / 100, 12)  # 38.71 / 100 is .3871000000000001
            found.scores.append(
                {
                    "model": model,
                    "task": task,
                    "metric": metric,
                    "score": score,
                    "task_version": version,
                    "prompt_template": mode,
                    "date": source.date,
                }
            )
    if not found.scores:
        raise BadFile("found no score in any row")
    return found
