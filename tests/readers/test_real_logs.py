"""What the logs of real runs held, kind by kind: found by reading lm-evaluation-harness' and
Inspect's own, and tables of ours."""

import json
import zipfile
import zlib

import polars as pl
import pytest

from mirage.emergence.abilities import judge
from mirage.files import DataError
from mirage.readers import read

WIDTHS = {8: 2128, 12: 4344, 16: 7328, 24: 15600, 32: 26944}


def harness(folder, model, size, lines, task="sums"):
    """A result file of the harness with the items of its task."""
    path = folder / f"acme__{model}"
    path.mkdir()
    score = sum(line["exact_match"] for line in lines) / len(lines)
    result = {
        "results": {task: {"exact_match,none": score, "exact_match_stderr,none": 0.1}},
        "config": {"model_num_parameters": size, "limit": None},
        "model_name": f"acme/{model}",
        "n-samples": {task: {"original": len(lines), "effective": len(lines)}},
    }
    (path / "results_2026-11-27T14-36-36.5.json").write_text(json.dumps(result))
    text = "\n".join(map(json.dumps, lines))
    (path / f"samples_{task}_2026-11-27T14-36-36.5.jsonl").write_text(text + "\n")


def line(i, answer, target="98"):
    answers = {"resps": [[answer]], "filtered_resps": [answer], "filter": "none"}
    return answers | {"doc_id": i, "target": target, "exact_match": float(answer == target)}


@pytest.mark.parametrize("answer", ["98", "9F", "0.", "1e", "in", "no"])
def test_a_text_of_two_characters_is_no_log_likelihood(tmp_path, answer):
    harness(tmp_path, "quill-70m", 7e7, [line(0, answer), line(1, "98")])
    metrics = set(read(tmp_path).scores["metric"])
    assert metrics == {"exact_match", "token accuracy", "token edit distance"}


def test_models_whose_names_differ_in_numbers_alone_are_a_family(tmp_path):
    for width, size in WIDTHS.items():
        harness(tmp_path, f"sums-w{width}-seed0", size, [line(i, "98") for i in range(4)])
    harness(tmp_path, "other", 5000, [line(0, "98")])
    logs = read(tmp_path)
    assert sorted(logs.scores["family"].unique()) == ["other", "sums-w*-seed*"]
    assert judge(logs.scores).filter(family="sums-w*-seed*")["n_models"].to_list() == [5]


def test_two_names_are_no_family(tmp_path):
    for width in (8, 12):
        harness(tmp_path, f"sums-w{width}", WIDTHS[width], [line(0, "98")])
    assert read(tmp_path).scores["family"].n_unique() == 2


def test_a_stated_family_stays(tmp_path):
    rows = [
        {
            "family": "mine",
            "model": f"w{w}",
            "params": n,
            "task": "t",
            "metric": "acc",
            "score": 0.1,
        }
        for w, n in WIDTHS.items()
    ]
    pl.DataFrame(rows).write_csv(tmp_path / "scores.csv")
    assert read(tmp_path).scores["family"].unique().to_list() == ["mine"]


def choices(i, n):
    answers = [[f"-{j + 1}.0", "False"] for j in range(n)]
    return {"doc_id": i, "target": "0", "filter": "none", "acc": 1.0, "filtered_resps": answers}


def test_the_number_of_choices_gives_the_chance_level(tmp_path):
    lines = [choices(0, 2) | {"exact_match": 1.0}, choices(1, 4) | {"exact_match": 1.0}]
    harness(tmp_path, "quill-70m", 7e7, lines)
    scores = read(tmp_path).scores
    # (1/2 + 1/4) / 2, of the logged share, too, which is from another file.
    shares = scores.filter(pl.col("metric").is_in(["exact_match", "acc"]))
    assert shares["chance"].to_list() == [0.375, 0.375]


def test_generated_text_has_no_chance_level(tmp_path):
    harness(tmp_path, "quill-70m", 7e7, [line(0, "98")])
    scores = read(tmp_path).scores
    assert "chance" not in scores.columns or scores["chance"].null_count() == scores.height


def inspect_log(metrics, scorer="exact", **sample):
    about = {"task": "sums", "model": "hf/quill-70m", "model_generate_config": {"max_tokens": 5}}
    answer = {"id": 1, "epoch": 1, "target": "A", "output": {"completion": "A"}}
    answer |= {"scores": {scorer: {"value": 1.0, "answer": "A"}}} | sample
    scores = [{"name": scorer, "metrics": {k: {"value": v} for k, v in metrics.items()}}]
    return {
        "status": "success",
        "eval": about,
        "results": {"completed_samples": 1, "scores": scores},
        "samples": [answer],
    }


def test_a_mean_is_of_what_the_scorer_measures(tmp_path):
    (tmp_path / "log.json").write_text(json.dumps(inspect_log({"mean": 1.0})))
    logs = read(tmp_path)
    assert logs.scores.filter(metric="exact match").select("score").rows() == [(1.0,)]
    assert "mean" not in logs.scores["metric"].to_list()
    assert logs.notes == ()
    (tmp_path / "log.json").write_text(json.dumps(inspect_log({"mean": 0.5})))
    assert "1 computed from the saved answers, the log has 0.5" in read(tmp_path).notes[0]


def test_choices_of_inspect_give_the_chance_level(tmp_path):
    log = inspect_log({"accuracy": 1.0}, "choice", choices=["a", "b", "c", "d"])
    (tmp_path / "log.json").write_text(json.dumps(log))
    assert read(tmp_path).scores["chance"].to_list() == [0.25]


def test_how_requests_are_sent_is_no_setting_of_generation(tmp_path):
    for size, connections in (("70m", 1), ("410m", 64)):
        log = inspect_log({"accuracy": 1.0})
        log["eval"]["model"] = f"hf/quill-{size}"
        log["eval"]["model_generate_config"] |= {"max_connections": connections, "timeout": 9}
        (tmp_path / f"{size}.json").write_text(json.dumps(log))
    assert read(tmp_path).scores["generation"].unique().to_list() == ['{"max_tokens":5}']


def zstandard_archive(path, log):
    """An archive as Inspect writes since 0.3.170, which zipfile reads from Python 3.14 on."""
    zstandard = pytest.importorskip("zstandard", reason="the extra [logs] is not installed")
    samples = {f"samples/{s['id']}_epoch_1.json": s for s in log["samples"]}
    header = {key: value for key, value in log.items() if key != "samples"}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (samples | {"header.json": header}).items():
            text = json.dumps(content).encode()
            archive.writestr(name, zstandard.compress(text))
            info = archive.getinfo(name)  # written into the directory at the end of the archive
            info.compress_type, info.file_size, info.CRC = 93, len(text), zlib.crc32(text)
    return path


def test_inspect_archives_are_compressed_with_zstandard(tmp_path):
    log = inspect_log({"accuracy": 1.0}, "match")
    (tmp_path / "log.json").write_text(json.dumps(log))
    found = read(zstandard_archive(tmp_path / "log.eval", log))
    expected = read(tmp_path / "log.json")
    assert found.outcomes.equals(expected.outcomes)
    drop = ["file", "source"]
    assert found.scores.drop(drop).equals(expected.scores.drop(drop))


def test_a_damaged_archive_of_that_kind_is_named(tmp_path):
    path = zstandard_archive(tmp_path / "log.eval", inspect_log({"accuracy": 1.0}, "match"))
    content = path.read_bytes()
    place = content.index(b"\x28\xb5\x2f\xfd") + 12  # within the first compressed file
    path.write_bytes(content[:place] + bytes(b ^ 255 for b in content[place : place + 4])
                     + content[place + 4 :])  # fmt: skip
    with pytest.raises(DataError, match="the archive is damaged"):
        read(path)


OUTCOMES = [
    {"family": "mine", "model": f"/ckpt/w{w}", "n_params": n, "task": "sums", "item": i}
    | {"temperature": t, "split": "held-out", "prompt": f"Q{i}", "error": None}
    | {"exact_match": float(w > 8 * i), "token_edit_distance": i}
    for w, n in WIDTHS.items()
    for i in range(4)
    for t in (0.0, 1.0)
]


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_a_table_of_items(tmp_path, ending):
    rows = [dict(row) for row in OUTCOMES]
    rows[0] |= {"exact_match": None, "error": "timeout"}
    table = pl.DataFrame(rows)
    path = tmp_path / f"outcomes.{ending}"
    write = {"csv": table.write_csv, "parquet": table.write_parquet, "jsonl": table.write_ndjson}
    write[ending](path)
    logs = read(path)
    assert set(logs.scores["metric"]) == {"exact_match", "token_edit_distance"}
    smallest = logs.scores.filter(n_params=2128, metric="exact_match").sort("generation")
    # Of items 0 to 3 the first is right (8 > 0), but was not answered at temperature 0.
    columns = ("generation", "task_version", "score", "n_items")
    assert smallest.select(columns).rows() == [
        ("temperature=0", "held-out", 0.0, 3),
        ("temperature=1", "held-out", 0.25, 4),
    ]
    assert logs.outcomes.height == len(rows)
    assert sorted(judge(logs.scores, logs.outcomes)["protocol"]) == [
        "generation temperature=0",
        "generation temperature=1",
    ]


def test_protocol_columns_of_a_table_of_scores(tmp_path):
    rows = [
        {"model": "quill-70m", "task": "sums", "metric": "accuracy", "score": 0.5}
        | {"temperature": "0.0", "split": "test", "template": "v2", "target_length": length}
        for length in (None, 3)
    ]
    pl.DataFrame(rows).write_csv(tmp_path / "scores.csv")
    columns = ("task", "generation", "task_version", "prompt_template")
    assert read(tmp_path).scores.select(columns).rows() == [
        ("sums", "temperature=0", "test", "v2"),
        ("sums, answers of 3", "temperature=0", "test", "v2"),
    ]
