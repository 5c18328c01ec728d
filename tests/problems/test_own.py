"""A user's own folder of questions: taken over whole, or refused with the file and row."""

import pytest

from components.contracts import PipelineError, Question, write_records
from components.params import BaseParams
from components.problems.build import SPLITS
from components.problems.own import read_own

BASE = BaseParams(seed=1, languages=["en", "es"], trained_languages=["es"])


def rows(name, lang="en", **changes):
    values = {
        "problem_id": f"{name}-1", "lang": lang, "split": name, "family": "mine", "num_steps": 1,
        "unseen_family": False, "question": f"{lang}: 2 + 3?", "answer": "5",
        "solution": "5" if name == "shots" else None,
    }  # fmt: skip
    return Question(**(values | changes))


@pytest.fixture
def folder(tmp_path):
    for split in SPLITS:
        write_records(tmp_path / f"{split}.jsonl", [rows(split, lang) for lang in ("en", "es", "pt")])
    return tmp_path


def test_questions_in_the_languages_asked_for_are_taken(folder):
    questions = read_own(folder, BASE)
    assert [(q.split, q.lang) for q in questions] == [(split, lang) for split in SPLITS for lang in ("en", "es")]


def test_without_worked_examples_it_works_too(folder):
    (folder / "shots.jsonl").write_text("")
    assert not [q for q in read_own(folder, BASE) if q.split == "shots"]


@pytest.mark.parametrize(
    ("split", "changed", "message"),
    [
        ("train", {"split": "test"}, "train.jsonl: row 1: `split` is test; in this file it must be train"),
        ("test", {"problem_id": "train-1"}, "test.jsonl: row 1: problem `train-1` stands in train.jsonl too"),
        ("shots", {"solution": None}, "shots.jsonl: row 1: `solution` is missing"),
        ("validation", {"lang": "pt"}, "validation.jsonl: no question in en"),
    ],
)
def test_a_bad_file_is_named(folder, split, changed, message):
    write_records(folder / f"{split}.jsonl", [rows(split, **changed), rows(split, "es")])
    with pytest.raises(PipelineError) as caught:
        read_own(folder, BASE)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_folder_and_file_are_named(folder, tmp_path):
    with pytest.raises(PipelineError, match="no such folder"):
        read_own(tmp_path / "nowhere", BASE)
    (folder / "test.jsonl").unlink()
    with pytest.raises(PipelineError, match=r"test\.jsonl: No such file"):
        read_own(folder, BASE)
