"""Result files of lm-evaluation-harness, old format and new."""

import json

import pytest

from mirage.files import DataError
from mirage.readers import lm_eval
from mirage.readers.model_names import parse

# As lm_eval 0.4 writes it: metrics with their filter, numbers of items, groups.
NEW = {
    "results": {
        "mmlu": {"acc,none": 0.5, "acc_stderr,none": 0.01, "alias": "mmlu"},
        "mmlu_law": {"alias": " - law", "acc,none": 0.4, "acc_stderr,none": 0.02},
        "gsm8k": {
            "alias": "gsm8k",
            "exact_match,strict-match": 0.2,
            "exact_match_stderr,strict-match": 0.011,
            "exact_match,flexible-extract": 0.25,
            "exact_match_stderr,flexible-extract": 0.012,
        },
        "wikitext": {"word_perplexity,none": 12.5, "word_perplexity_stderr,none": "N/A"},
    },
    "group_subtasks": {"mmlu": ["mmlu_law"], "gsm8k": []},
    "n-shot": {"mmlu_law": 5, "gsm8k": 8},
    "n-samples": {"gsm8k": {"original": 1319, "effective": 100}},
    "config": {"model": "hf", "model_args": "pretrained=org/thing,dtype=auto"},
    "model_name": "org/thing",
}
OLD = {
    "results": {"piqa": {"acc": 0.6, "acc_stderr": 0.04923659639173309, "ppl": 7.0}},
    "versions": {"piqa": 0},
    "config": {
        "model": "hf-causal",
        "model_args": "pretrained=facebook/opt-1.3b",
        "num_fewshot": 0,
    },
}


def put(folder, **files):
    for name, file in files.items():
        text = file if isinstance(file, str) else json.dumps(file)
        (folder / f"{name}.json").write_text(text)
    return [folder]


def test_old_format_by_hand(tmp_path):
    table = lm_eval.read(put(tmp_path, opt=OLD)).scores
    accuracy, perplexity = table.rows(named=True)
    assert (accuracy["family"], accuracy["model"]) == ("OPT", "opt-1.3b")
    assert (accuracy["n_params"], accuracy["shots"]) == (1_300_000_000, 0)
    # s² = a(1 − a)/(n − 1): .6 × .4/.0492366² + 1 = .24/.00242424 + 1 = 100.
    assert accuracy["n_items"] == 100
    assert perplexity["n_items"] is None
    assert (accuracy["higher_is_better"], perplexity["higher_is_better"]) == (True, False)


def test_new_format_by_hand(tmp_path):
    table = lm_eval.read(put(tmp_path, new=NEW), n_params={"thing": 10**9}).scores
    by = {(row["task"], row["metric"]): row for row in table.rows(named=True)}
    assert len(by) == table.height == 5
    assert by["mmlu", "acc"]["is_group"]
    assert not by["mmlu_law", "acc"]["is_group"]
    assert not by["gsm8k", "exact_match (strict-match)"]["is_group"]
    strict, flexible = (
        by["gsm8k", f"exact_match ({f})"] for f in ("strict-match", "flexible-extract")
    )
    assert (strict["score"], strict["stderr"], strict["n_items"]) == (0.2, 0.011, 100)
    assert (flexible["score"], flexible["shots"]) == (0.25, 8)
    assert by["wikitext", "word_perplexity"]["stderr"] is None
    assert not by["wikitext", "word_perplexity"]["higher_is_better"]
    # 0.4 × 0.6 / 0.02² + 1 = 601; 0.4 × 601 = 240.4 is no count: not guessed.
    assert by["mmlu_law", "acc"]["n_items"] is None


def test_size_comes_from_the_argument_the_file_or_the_name(tmp_path):
    put(tmp_path, new=NEW)
    with pytest.raises(DataError, match=r"how many parameters has 'thing'\?.*n_params="):
        lm_eval.read([tmp_path])
    put(tmp_path, new=NEW | {"config": NEW["config"] | {"model_num_parameters": 123}})
    assert lm_eval.read([tmp_path]).scores["n_params"][0] == 123
    assert lm_eval.read([tmp_path], n_params={"thing": 7}).scores["n_params"][0] == 7


@pytest.mark.parametrize(
    ("name", "size", "family"),
    [
        ("pythia-v1.1-70m", 70_000_000, "Pythia"),
        ("pythia-v1.1-1b-bf16", 1_000_000_000, "Pythia"),
        ("bloom-7b1", 7_100_000_000, "BLOOM"),
        ("bloom-1b7", 1_700_000_000, "BLOOM"),
        ("opt-6.7b", 6_700_000_000, "OPT"),
        ("Llama-2-7b-hf", 7_000_000_000, "Llama-2"),
        ("Qwen1.5-0.5B", 500_000_000, "Qwen1.5"),
        ("Meta-Llama-3.1-405B-FP8", 405_000_000_000, "Meta-Llama-3.1"),
        ("gpt2-xl", None, "gpt2"),
        ("stablelm-2-1_6b", 1_600_000_000, "stablelm-2"),
        ("llama_2_7b", 7_000_000_000, "llama_2"),
        ("fineweb-100B-tokens-350M", 350_000_000, "fineweb-100B-tokens"),
        ("babylm-10M-opt-125m", 125_000_000, "babylm-10M-opt"),
        ("phi-2", None, "phi-2"),
    ],
)
def test_name_tells_size_and_family(name, size, family):
    assert parse(name).n_params == size
    assert parse(name).family == family


def test_model_arguments_as_an_object(tmp_path):
    config = {"model_args": {"pretrained": "EleutherAI/pythia-70m", "dtype": "float32"}}
    table = lm_eval.read(put(tmp_path, a=OLD | {"config": config})).scores
    assert table["model"].unique().to_list() == ["pythia-70m"]


def test_bad_files_are_named_and_the_rest_stands(tmp_path):
    text = json.dumps(OLD)
    put(tmp_path, a=OLD, b=text[:60], c={"no": "results"}, d={"results": {"piqa": 3}})
    found = lm_eval.read([tmp_path])
    assert (found.n_files, found.scores.height, len(found.faults)) == (1, 2, 3)
    for name, fault in zip("bcd", found.faults, strict=True):
        assert fault.startswith(f"{tmp_path / name}.json: ")
    with pytest.raises(DataError, match="3 of 4 result files cannot be read"):
        lm_eval.read([tmp_path], strict=True)


def test_nothing_and_nothing_there(tmp_path):
    with pytest.raises(DataError, match="found no results in 0 files, expected one of"):
        lm_eval.read([tmp_path])
    with pytest.raises(DataError, match=r"in 1 file: .*gone\.json: No such file"):
        lm_eval.read([tmp_path / "gone.json"])


def test_nan_is_counted(tmp_path):
    found = lm_eval.read(put(tmp_path, a=json.dumps(OLD).replace("7.0", "NaN")))
    assert (found.n_blank, found.scores["metric"].to_list()) == (1, ["acc"])
