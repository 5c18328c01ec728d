"""Published formats: MGSM, GSM8K and our own records."""

import json
from pathlib import Path

import pytest

from components.answers import read_answer
from components.contracts import ContractError, PipelineError, Question, write_records
from components.lang import languages
from components.params import SourceParams
from components.problems.sources import read_exemplars, read_source

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
PUBLISHED = {"bn", "de", "en", "es", "fr", "ja", "ru", "sw", "te", "th", "zh"}
published = pytest.mark.skipif(not DATA.is_dir(), reason=f"no published data in {DATA}")


def error_of(source, read=read_source):
    with pytest.raises(PipelineError) as caught:
        read(source)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def mgsm(folder):
    return SourceParams(format="mgsm", path=str(folder))


def gsm8k(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return SourceParams(format="gsm8k", path=str(path))


@published
def test_real_mgsm_is_parallel_in_all_languages():
    problems = read_source(mgsm(DATA / "mgsm"))
    assert len(problems) == 250
    assert all(problem.texts.keys() == PUBLISHED for problem in problems)
    assert [text.row for text in problems[7].texts.values()] == [7] * 11
    assert "57500" in {problem.answer for problem in problems}  # written 57,500
    assert all("\t" not in text.question for problem in problems for text in problem.texts.values())


@published
def test_real_exemplars_lose_their_labels_and_keep_their_answers():
    exemplars = read_exemplars(mgsm(DATA / "mgsm"))
    assert [one.answer for one in exemplars] == ["11", "29", "39", "9", "33", "8", "8", "5"]
    for one in exemplars:
        assert one.is_worked
        assert one.texts.keys() == PUBLISHED
        for lang, text in one.texts.items():
            assert not text.question.startswith(languages()[lang].question_label.rstrip(":："))
            assert "\n" not in text.question + text.solution
            assert read_answer(text.solution, lang).value == one.answer
    assert exemplars[0].texts["en"].question.startswith("Roger has 5")
    assert exemplars[0].texts["en"].solution.startswith("Roger started")
    assert exemplars[0].texts["ru"].question.startswith("У Роджера")


@published
def test_real_gsm8k():
    problems = read_source(SourceParams(format="gsm8k", path=str(DATA / "gsm8k/train.jsonl")))
    assert len(problems) == 7473
    assert problems[1].texts["en"].solution == (
        "Weng earns 12/60 = $0.2 per minute. Working 50 minutes, she earned 0.2 x 50 = $10. The answer is 10."
    )
    assert (problems[1].answer, problems[1].num_steps, problems[1].texts["en"].row) == ("10", 2, 1)
    assert not [p for p in problems if "<<" in p.texts["en"].solution or "\n" in p.texts["en"].solution]
    assert all(read_answer(p.texts["en"].solution, "en").value == p.answer for p in problems)


@pytest.mark.parametrize(
    ("spanish", "message"),
    [
        ("dos\t2\ntres\t4\n", "mgsm_es.tsv: row 1 (from 0): answer 4, but 3 in mgsm_en.tsv"),
        ("dos\t2\n", "mgsm_es.tsv: row 1 (from 0): 1 rows, but mgsm_en.tsv has 2"),
        ("dos 2\ntres\t3\n", "mgsm_es.tsv: row 0 (from 0): needs a question, a tab and an answer"),
        ("dos\ttwo\ntres\t3\n", "mgsm_es.tsv: row 0 (from 0): answer 'two' is no number"),
    ],
)
def test_misaligned_mgsm_names_file_and_row(tmp_path, spanish, message):
    (tmp_path / "mgsm_en.tsv").write_text("two\t2\nthree\t3\n")
    (tmp_path / "mgsm_es.tsv").write_text(spanish)
    assert message in error_of(mgsm(tmp_path))


def test_mgsm_without_english_or_broken_utf8(tmp_path):
    assert "no mgsm_en.tsv" in error_of(mgsm(tmp_path))
    (tmp_path / "mgsm_en.tsv").write_bytes(b"two\t2\nthr\xffee\t3\n")
    assert "mgsm_en.tsv: line 2 is not UTF-8" in error_of(mgsm(tmp_path))


@pytest.mark.parametrize(
    ("exemplars", "message"),
    [
        ({"en": {"1": {"q": "Question: 2+2?", "a": "Answer: no idea"}}}, "exemplar 1 in `en` has no readable"),
        (
            {
                "en": {"1": {"q": "Question: 2+2?", "a": "Answer: The answer is 4."}},
                "es": {"1": {"q": "Pregunta: ¿2+2?", "a": "Respuesta: La respuesta es 5."}},
            },
            "exemplar 1 in `es` has no readable final answer 4",
        ),
        ({"en": ["q"]}, "not of the form"),
        ({"en": {"1": {"q": "2+2? \ud83d", "a": "The answer is 4."}}}, "half a surrogate pair"),
    ],
)
def test_bad_exemplars_are_named(tmp_path, exemplars, message):
    (tmp_path / "exemplars.json").write_text(json.dumps(exemplars))
    assert message in error_of(mgsm(tmp_path), read_exemplars)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"question": "2+2?", "answer": "4"}, "row 1 (from 0): `answer` has no `####`"),
        ({"question": "2+2?", "answer": "x\n#### four"}, "row 1 (from 0): `answer` 'four' is no number"),
        ({"question": " ", "answer": "#### 4"}, "row 1 (from 0): needs the texts `question` and `answer`"),
        (["2+2?"], "row 1 (from 0): not a JSON object"),
        ({"question": "2+2?", "answer": "x\n#### 1,2,3"}, "row 1 (from 0): `answer` '1,2,3' is no number"),
        (
            {"question": "2+2 \ud83d?", "answer": "#### 4"},
            "row 1 (from 0): not readable as JSON (half a surrogate pair",
        ),
    ],
)
def test_bad_gsm8k_row_is_named(tmp_path, row, message):
    good = {"question": "1+1?", "answer": "1+1=2\n#### 2"}
    source = gsm8k(tmp_path / "g.jsonl", good, row)
    assert message in error_of(source)


def test_gsm8k_without_marks_has_unknown_steps_and_no_rows_are_an_error(tmp_path):
    (problem,) = read_source(gsm8k(tmp_path / "g.jsonl", {"question": "1+1?", "answer": "1+1=2\n#### 1,002"}))
    assert (problem.answer, problem.num_steps) == ("1002", None)
    assert "holds no problems" in error_of(gsm8k(tmp_path / "g.jsonl"))
    assert "No such file" in error_of(SourceParams(format="gsm8k", path=str(tmp_path / "none.jsonl")))


@pytest.mark.parametrize(
    ("lang", "answer", "solution"),
    [
        ("en", "#### 5", "The answer is 5."),
        ("en", "\n #### 5", "The answer is 5."),
        ("en", "2+3=5.\n\n#### 5", "2+3=5. The answer is 5."),
        ("eo", "2+3=5.\n#### 5", None),  # a language outside our table
    ],
)
def test_gsm8k_solutions(tmp_path, lang, answer, solution):
    source = gsm8k(tmp_path / "g.jsonl", {"question": "2+3?", "answer": answer})
    (problem,) = read_source(source.model_copy(update={"lang": lang}))
    assert problem.texts[lang].solution == solution


def own(lang="en", **changes):
    values = {
        "problem_id": "a", "lang": lang, "split": "test", "family": "mine", "num_steps": 2, "unseen_family": True,
        "question": f"{lang}: 2 + 3?", "answer": "5", "translated_by": None if lang == "en" else "me",
    }  # fmt: skip
    return Question(**(values | changes))


def test_own_records_are_joined_by_problem(tmp_path):
    path = tmp_path / "mine.jsonl"
    write_records(path, [own(), own("es"), own(problem_id="b", answer="6")])
    first, second = read_source(SourceParams(format="questions", path=str(path)))
    assert (first.key, first.family, first.answer, first.num_steps) == ("a", "mine", "5", 2)
    assert [(lang, text.row, text.translated_by) for lang, text in first.texts.items()] == [
        ("en", 0, None),
        ("es", 1, "me"),
    ]
    assert second.texts["en"].row == 2
    write_records(path, [own(), own()])
    with pytest.raises(ContractError, match="already asked"):
        read_source(SourceParams(format="questions", path=str(path)))


def test_own_records_keep_their_lines_as_rows(tmp_path):
    path = tmp_path / "mine.jsonl"
    source = SourceParams(format="questions", path=str(path))
    path.write_text("\n".join(["", own().model_dump_json(), "  ", own("es").model_dump_json(), ""]))
    (problem,) = read_source(source)
    assert {lang: text.row for lang, text in problem.texts.items()} == {"en": 1, "es": 3}
    path.write_text(path.read_text() + "\n" + own(answer="6").model_dump_json())
    assert f"{path}: row 5 (from 0): problem `a` is already asked in `en` in row 1" in error_of(source)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"extra": 1}, "row 1 (from 0): field `extra`: "),
        ({"split": "exam"}, "row 1 (from 0): field `split`: "),
        ({"question": "2 + 3 \ud83d?"}, "row 1 (from 0): not readable as JSON (half a surrogate pair"),
        ({"question": "\t"}, "row 1 (from 0): `question` is blank"),
        ({"answer": "5,"}, "row 1 (from 0): `answer` '5,' is no number"),
        ({"answer": "A", "choices": ["5"]}, "row 1 (from 0): `choices` gives 1 choices; 2 to 10"),
        ({"answer": "A", "choices": ["5", "5"]}, "row 1 (from 0): `choices` gives the choice '5' twice"),
    ],
)
def test_bad_own_record_is_named(tmp_path, changes, message):
    path = tmp_path / "mine.jsonl"
    path.write_text("\n" + json.dumps(own().model_dump() | changes))
    assert error_of(SourceParams(format="questions", path=str(path))).startswith(f"{path}: {message}")


def test_missing_own_file_names_the_parameter(tmp_path):
    path = tmp_path / "none.jsonl"
    message = error_of(SourceParams(format="questions", path=str(path)))
    assert message == f"{path}: No such file or directory; name a file under `problems.sources`"
