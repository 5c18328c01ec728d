"""Prompts against those that lm-evaluation-harness itself makes of the same rows (bench/evaluation_prompts.py)."""

import json
from pathlib import Path

import pytest

from components.benchmarks.items import Item, make_items
from components.benchmarks.rows import read_rows
from components.benchmarks.setup import Setup, known_setups, load_setup
from components.contracts import PipelineError

HERE = Path(__file__).parent
PUBLISHED = HERE / "published"
HARNESS = json.loads((HERE / "harness.json").read_text(encoding="utf-8"))["prompts"]

OURS = {"built_in", "mmlu_prox_lite", "mgsm", "xcopa_generation"}
"""Set-ups that are of no harness, or those of another name."""


def folder(benchmark: str) -> Path:
    return PUBLISHED / ("mgsm" if benchmark.startswith("mgsm") else benchmark)


def items(setup: Setup, lang: str, source: Path) -> list[Item]:
    shots = read_rows(setup, source, lang, "shots").rows if setup.num_shots else []
    return make_items(setup, lang, read_rows(setup, source, lang, "test").rows, shots, str(source))


@pytest.mark.parametrize(
    "told", HARNESS, ids=lambda told: f"{told['benchmark']}-{told['lang']}-{told['prompt'][-60:-30]}"
)
def test_prompts_are_the_harnesses(told):
    setup = load_setup(told["benchmark"])
    asked = (told["premise"] or told["question"]).strip()
    (own,) = (item for item in items(setup, told["lang"], folder(setup.name)) if item.question == asked)
    *examples, question = own.prompt.split(setup.between) if setup.num_shots else [own.prompt]
    *expected, wanted = told["prompt"].split(setup.between) if setup.num_shots else [told["prompt"]]
    assert question == wanted
    assert sorted(examples) == sorted(expected)  # the harness draws their order
    assert examples or not setup.num_shots
    assert list(own.continuations) == told.get("continuations", [])


def test_there_is_a_prompt_of_every_published_set_up():
    assert {told["benchmark"] for told in HARNESS} == set(known_setups()) - OURS
    assert len({told["lang"] for told in HARNESS if told["benchmark"] == "mmlu_prox"}) == 6


def test_mgsm_alone_is_native_chain_of_thought():
    assert load_setup("mgsm") == load_setup("mgsm_native_cot").model_copy(update={"name": "mgsm"})


def test_xcopa_is_generated_by_letter():
    first = items(load_setup("xcopa_generation"), "sw", PUBLISHED / "xcopa")[0]
    asked = items(load_setup("xcopa"), "sw", PUBLISHED / "xcopa")[0]
    assert first.prompt == f"{asked.prompt}\nA. {asked.choices[0]}\nB. {asked.choices[1]}\nJibu:"
    assert (first.answer, first.continuations) == (asked.answer, ())


def test_gold_answers_are_letters_and_numbers():
    assert [item.answer for item in items(load_setup("mmlu_prox"), "sw", PUBLISHED / "mmlu_prox")] == list("BDFDG")
    assert [item.answer for item in items(load_setup("xcopa"), "th", PUBLISHED / "xcopa")] == ["A", "B"]
    assert [item.answer for item in items(load_setup("mgsm_direct"), "ru", PUBLISHED / "mgsm")] == ["48", "1000"]


def test_worked_examples_are_of_the_questions_own_group():
    own = items(load_setup("mmlu_prox"), "en", PUBLISHED / "mmlu_prox")
    assert ["metal" in item.prompt for item in own] == [False] * 3 + [True] * 2


def test_mmlu_prox_has_29_languages_and_the_lite_one_too():
    assert len(load_setup("mmlu_prox").languages) == 29
    assert load_setup("mmlu_prox_lite").hub == "li-lab/MMLU-ProX-Lite"
    assert load_setup("mmlu_prox_lite").languages == load_setup("mmlu_prox").languages


def test_a_users_own_file_of_rows(tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "matches: mine\nanswer: text\nhub: none\nsplits: {test: test}\nfiles: {test: [rows.csv]}\n"
        "columns: {id: nr, question: Frage, answer: Zahl, lang: Sprache}\nnum_shots: 0\n"
        'prompt: "{question_label} {question}"\nlanguages: {}\n'
    )
    (tmp_path / "rows.csv").write_text("nr,Frage,Zahl,Sprache\n1,Wie viel ist 2+3?,5,de\n1,How much is 2+3?,5,en\n")
    setup = load_setup(str(tmp_path / "mine.yaml"))
    (own,) = items(setup, "de", tmp_path)
    assert (own.problem_id, own.prompt, own.answer) == ("1", "Frage: Wie viel ist 2+3?", "5")


def test_parquet_shards_are_read_in_order(tmp_path):
    import pandas as pd

    rows = [json.loads(line) for line in (PUBLISHED / "mmlu_prox/en/test.jsonl").read_text().splitlines()]
    (tmp_path / "en").mkdir()
    pd.DataFrame(rows[:2]).to_parquet(tmp_path / "en/test-00000-of-00002.parquet")
    pd.DataFrame(rows[2:]).to_parquet(tmp_path / "en/test-00001-of-00002.parquet")
    setup = load_setup("mmlu_prox").model_copy(update={"num_shots": 0})
    found = read_rows(setup, tmp_path, "en", "test")
    assert [row["question_id"] for row in found.rows] == [0, 1, 2, 3, 4]
    assert found.provenance["num_rows"] == 5
    assert len(found.provenance["files"]) == 2
    assert items(setup, "en", tmp_path)[0].choices == tuple(rows[0][f"option_{i}"] for i in range(10))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda row: row.pop("answer"), "no column `answer`"),
        (lambda row: row.update(answer="K"), "neither a letter"),
        (lambda row: row.update(option_1=row["option_0"]), "twice"),
        (lambda row: row.pop("category"), "no column or word 'category'"),
    ],
)
def test_a_broken_row_is_named(tmp_path, change, message):
    (tmp_path / "en").mkdir()
    for split in ("test", "validation"):
        rows = [json.loads(line) for line in (PUBLISHED / f"mmlu_prox/en/{split}.jsonl").read_text().splitlines()]
        if split == "test":
            change(rows[3])
        (tmp_path / f"en/{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(PipelineError, match="row 3") as error:
        items(load_setup("mmlu_prox"), "en", tmp_path)
    assert message in str(error.value)


def test_a_language_that_is_not_there_is_named():
    with pytest.raises(PipelineError, match="no words in `tlh`"):
        load_setup("xcopa").words("tlh")
    with pytest.raises(PipelineError, match="nothing in `tr` here"):
        read_rows(load_setup("xcopa"), PUBLISHED / "xcopa", "tr", "test")
    with pytest.raises(PipelineError, match="no set-up `mgsn`; there are built_in"):
        load_setup("mgsn")


def test_a_broken_set_up_is_named(tmp_path):
    (tmp_path / "mine.yaml").write_text("like: xcopa\ncontinuation: ''\n")
    with pytest.raises(PipelineError, match="continuation"):
        load_setup(str(tmp_path / "mine.yaml"))
    (tmp_path / "mine.yaml").write_text("like: xcopa\nanswre: text\n")
    with pytest.raises(PipelineError, match="answre"):
        load_setup(str(tmp_path / "mine.yaml"))
