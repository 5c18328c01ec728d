"""From sources to splits: sharing without overlap, languages filled by translation, provenance, and what is refused."""

import json
from collections import Counter
from pathlib import Path

import pytest
from mlflow.utils.validation import _validate_metric_name

from components.answers import read_answer
from components.contracts import PipelineError
from components.journal import Journal
from components.params import BaseParams, ColumnsParams, ProblemsParams, SourceParams, SourcesParams
from components.problems.__main__ import summarise
from components.problems.assemble import assemble as assemble_with
from components.problems.build import SPLITS, build_questions
from components.tracking import numbers
from tests.server.local import completion, serving

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
MGSM = SourceParams(format="mgsm", path=str(DATA / "mgsm"))
published = pytest.mark.skipif(not DATA.is_dir(), reason=f"no published data in {DATA}")
SIZES = {
    "num_shots": 1, "num_pivot_shots": 2, "num_train": 3, "num_calibration": 2, "num_validation": 2, "num_test": 4,
}  # fmt: skip
SENTENCES = {
    "Spanish": "¿Cuántas manzanas rojas hay en total en la cesta grande de la abuela?",
    "German": "Wie viele rote Äpfel liegen heute insgesamt in dem großen Korb der Großmutter?",
    "Thai": "ในตะกร้าใบใหญ่ของคุณยายมีแอปเปิลสีแดงทั้งหมดกี่ลูก",
    "Telugu": "అమ్మమ్మ పెద్ద బుట్టలో మొత్తం ఎన్ని ఎర్ర ఆపిల్స్ ఉన్నాయి?",
}
COLUMNS = ColumnsParams(question="q", answer="a", lang="lang", id="id", solution="s")


@pytest.fixture(autouse=True)
def _journal_elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def assemble(params, settings, keep=False):
    """With a journal of its own, which is kept where asked for."""
    journal = Journal("problems", "0")
    try:
        return assemble_with(params, settings, journal)
    finally:
        journal.release() if keep else journal.close()


def base(*languages):
    return BaseParams(seed=17, languages=["en", *languages], trained_languages=["en"])


def problems(sources, translator="none", **sizes):
    chosen = SourcesParams(**dict.fromkeys(SPLITS, "built-in") | sources)
    return ProblemsParams(sources=chosen, translator=translator, native_digits=False, max_steps=4, **(SIZES | sizes))


def table(folder, count, languages=("en",), name="mine", **changes):
    """A JSONL of `count` problems with worked solutions, in some languages."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jsonl"
    rows = [
        {"q": f"{lang}: {name} {i} + 5?", "a": i + 5, "lang": lang, "id": i, "s": f"{i} + 5 = {i + 5}."} | changes
        for i in range(count)
        for lang in languages
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return SourceParams(format="table", path=str(path), columns=COLUMNS)


def everywhere(source):
    return dict.fromkeys(SPLITS, source)


def ids(questions, split):
    return list(dict.fromkeys(q.problem_id for q in questions if q.split == split))


def error_of(params, settings):
    with pytest.raises(PipelineError) as caught:
        assemble(params, settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def translator(monkeypatch):
    """A server that puts a sentence in the language before the text; what holds `lose` loses its numbers, `echo` stays
    English, `alike` comes out the same."""

    def translate(asked):
        head, text = asked.question.split("\n\n", 1)
        name = head.split(" from English to ")[1].split(".")[0]
        if f"lose-{name}" in text:
            return completion("".join("x" if character.isdigit() else character for character in text))
        if "alike" in text:
            return completion(SENTENCES[name])
        return completion(text if "echo" in text else f"{SENTENCES[name]} {text}")

    with serving(translate) as server:
        monkeypatch.setenv("PBRLSVR_SERVER_URL", server.url)
        yield server


def test_all_built_in_is_what_the_builder_gives():
    params = problems({}, num_train=40)
    assembled = assemble(params, base("es"))
    assert assembled.questions == build_questions(params, base("es"))
    assert (assembled.dropped, assembled.notes) == ({}, [])


def test_one_source_for_all_splits_is_shared_without_overlap(tmp_path):
    assembled = assemble(problems(everywhere(table(tmp_path, 14, ["en", "es"]))), base("es")).questions
    counts = Counter(split for split in SPLITS for _ in ids(assembled, split))
    assert counts == {split: SIZES[f"num_{split}"] for split in SPLITS}
    assert len({q.problem_id for q in assembled}) == 14
    assert ids(assembled, "test") == [f"{tmp_path.name}-mine-{i}" for i in range(4)]
    assert {q.lang for q in assembled if q.split == "pivot_shots"} == {"en"}
    assert [(q.problem_id, q.lang) for q in assembled if q.split == "test"][:3] == [
        (f"{tmp_path.name}-mine-0", "en"), (f"{tmp_path.name}-mine-0", "es"), (f"{tmp_path.name}-mine-1", "en"),
    ]  # fmt: skip
    assert all((q.solution is not None) == (q.split in ("shots", "pivot_shots", "calibration")) for q in assembled)
    assert {q.source for q in assembled} == {str(tmp_path / "mine.jsonl")}
    assert [q.source_row for q in assembled if q.split == "test"] == list(range(8))


def test_more_training_problems_leave_the_other_splits(tmp_path):
    source = table(tmp_path, 20, ["en"])
    few, many = (assemble(problems(everywhere(source), num_train=n), base()).questions for n in (3, 9))
    assert [q for q in few if q.split != "train"] == [q for q in many if q.split != "train"]
    assert ids(many, "train")[:3] == ids(few, "train")


def test_too_few_problems_name_key_source_and_count(tmp_path):
    source = table(tmp_path, 13)
    message = error_of(problems(everywhere(source)), base())
    assert f"`problems.num_train` is 3, but {source.path} has 2 problems (11 more are in other splits)" in message
    unworked = table(tmp_path, 5, s=None)
    message = error_of(problems({"shots": unworked}), base())
    assert f"`problems.num_shots` is 1, but {unworked.path} has 0 problems with an answer and" in message


def test_unseen_families_and_unknown_answers(tmp_path):
    sources = {"test": table(tmp_path, 4, a=None), "train": table(tmp_path, 3, name="other")}
    questions = assemble(problems(sources), base()).questions
    assert {q.unseen_family for q in questions if q.split == "test"} == {True}
    assert {q.answer for q in questions if q.split == "test"} == {None}
    assert not [q for q in questions if q.split != "test" and q.unseen_family]


def test_sources_of_equal_names_do_not_collide(tmp_path):
    first = table(tmp_path / "x" / "d", 4, name="same")
    second = table(tmp_path / "y" / "d", 3, name="same")
    Path(second.path).write_text(Path(second.path).read_text().replace("same", "other"))
    questions = assemble(problems({"test": first, "train": second}), base()).questions
    assert ids(questions, "test") == [f"d-same-{i}" for i in range(4)]
    assert sorted(ids(questions, "train")) == [f"d-same-2-{i}" for i in range(3)]


def test_missing_language_names_source_language_and_key(tmp_path):
    source = table(tmp_path, 4)
    message = error_of(problems({"test": source}), base("es", "th"))
    assert f"{source.path}: no es, th for `problems.sources.test`; set `problems.translator`" in message
    message = error_of(problems({"test": table(tmp_path, 4, ["es"])}, "server:x"), base("es"))
    assert "row 0 (from 0) and 3 more of `problems.sources.test` have no English question" in message


def test_shots_are_asked_without_examples_where_there_are_none(tmp_path):
    assembled = assemble(problems({"shots": table(tmp_path, 1, ["en", "th"])}), base("es", "th", "sw"))
    assert [q.lang for q in assembled.questions if q.split == "shots"] == ["en", "th"]
    assert assembled.notes == ["shots: no worked examples in es, sw; they are asked without any"]


def test_a_shot_without_a_solution_in_a_language_is_none_there(tmp_path):
    source = table(tmp_path, 1, ["en", "es"])
    path = Path(source.path)
    english, spanish = path.read_text().splitlines()
    path.write_text(f"{english}\n{json.dumps(json.loads(spanish) | {'s': ''})}\n")
    assembled = assemble(problems({"shots": source}), base("es"))
    assert [q.lang for q in assembled.questions if q.split == "shots"] == ["en"]


def test_what_is_missing_is_translated(tmp_path, translator):
    source = table(tmp_path, 14, ["en", "es"])
    assembled = assemble(problems(everywhere(source), "server:m"), base("es", "de"))
    german = [q for q in assembled.questions if q.lang == "de"]
    assert {q.translated_by for q in german} == {"server:m"}
    assert {q.translated_by for q in assembled.questions if q.lang != "de"} == {None}
    english = {q.problem_id: q for q in assembled.questions if q.lang == "en"}
    for q in german:
        original = english[q.problem_id]
        assert q.question == f"{SENTENCES['German']} {original.question}"
        assert (q.source, q.source_row, q.answer) == (original.source, original.source_row, original.answer)
    (shot,) = [q for q in german if q.split == "shots"]
    assert shot.solution.startswith(SENTENCES["German"])
    assert shot.solution.endswith(f" Die Antwort ist {shot.answer}.")
    assert read_answer(shot.solution, "de").value == shot.answer
    assert len(german) == 1 + 3 + 2 + 2 + 4
    assert {asked.body["model"] for asked in translator.log} == {"m"}


@pytest.mark.usefixtures("translator")
def test_lost_numbers_drop_the_problem_in_all_languages(tmp_path):
    source = table(tmp_path, 4, name="t")
    path = Path(source.path)
    lines = path.read_text().splitlines()
    lines[1] = lines[1].replace("en: t", "lose-German t")
    lines[2] = lines[2].replace("en: t", "echo that stays t")
    path.write_text("\n".join(lines))
    assembled = assemble(problems({"test": source}, "server:m"), base("es", "de"))
    kept = [(q.problem_id[-1], q.lang) for q in assembled.questions if q.split == "test"]
    assert kept == [(i, lang) for i in "03" for lang in ("en", "es", "de")]
    assert assembled.dropped == {"test": {"es: other language": 1, "de: number lost": 1}}
    assert assembled.notes == [
        "test: left out 2 problems whose translation failed (es: other language 1, de: number lost 1)"
    ]


@pytest.mark.usefixtures("translator")
def test_a_shot_is_left_out_of_the_language_that_it_fails_in(tmp_path):
    source = table(tmp_path, 1, s="lose-German: 0 + 5 = 5.")
    assembled = assemble(problems({"shots": source}, "server:m"), base("es", "de"))
    assert [q.lang for q in assembled.questions if q.split == "shots"] == ["en", "es"]
    assert assembled.notes == [
        "shots: left out 1 worked examples of a language whose translation failed (de: number lost 1)",
        "shots: no worked examples in de; they are asked without any",
    ]


@pytest.mark.usefixtures("translator")
def test_nothing_left_is_an_error(tmp_path):
    source = table(tmp_path, 4, q="lose-German: 5?")
    message = error_of(problems({"test": source}, "server:m"), base("de"))
    assert "`problems.translator` server:m: nothing is left of test after de (de: number lost 4)" in message


@published
def test_mgsms_worked_examples_are_a_pool_of_their_own():
    sources = {"shots": MGSM, "pivot_shots": MGSM, "test": MGSM}
    questions = assemble(problems(sources, num_shots=4, num_pivot_shots=4, num_test=250), base("te", "th")).questions
    assert len(ids(questions, "shots") + ids(questions, "pivot_shots")) == 8
    assert len({q.problem_id for q in questions if q.family == "mgsm"}) == 258
    assert {q.source for q in questions if q.split == "shots"} == {str(DATA / "mgsm" / "exemplars.json")}
    assert {q.lang for q in questions if q.split == "shots"} == {"en", "te", "th"}
    message = error_of(problems(sources, num_shots=4, num_pivot_shots=5), base("te"))
    assert "`problems.num_pivot_shots` is 5" in message


def test_metrics_count_problems_and_take_any_name(tmp_path):
    source = table(tmp_path, 14, ["en", "es"], name="(mine) & co", a=None)
    questions = assemble(problems({"test": source}), base("es")).questions
    counts = summarise(questions)
    assert counts["num_problems"] == {split: SIZES[f"num_{split}"] for split in SPLITS}
    assert counts["num_unknown_answers"] == counts["num_steps"]["unknown"] == 4
    assert counts["families"]["(mine) & co"] == 4
    assert counts["sources"]["built-in"] == 10
    for name in numbers("problems", counts):
        _validate_metric_name(name)


def test_finished_translations_are_kept_and_changed_texts_are_translated_anew(tmp_path, translator):
    source = table(tmp_path, 4)
    first = assemble(problems({"test": source}, "server:m"), base("es"), keep=True).questions
    assert len(translator.log) == 4
    assert assemble(problems({"test": source}, "server:m"), base("es"), keep=True).questions == first
    assert len(translator.log) == 4
    path = Path(source.path)
    path.write_text(path.read_text().replace("mine 0", "mine other 0"))
    changed = assemble(problems({"test": source}, "server:m"), base("es")).questions
    assert "mine other 0" in next(q.question for q in changed if q.lang == "es" and q.split == "test")
    assert len(translator.log) == 5, "the others are there already"


@pytest.mark.usefixtures("translator")
def test_choices_that_come_out_alike_drop_the_problem(tmp_path):
    rows = [
        {"q": "Where is it?", "a": "A", "o": ["alike one", "alike two"]},
        {"q": "Which one is it?", "a": "A", "o": ["left", "right"]},
    ]
    path = tmp_path / "chosen.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = SourceParams(format="table", path=str(path), columns=ColumnsParams(question="q", answer="a", choices="o"))
    assembled = assemble(problems({"test": source}, "server:m", num_test=2), base("de"))
    assert assembled.dropped["test"] == {"de: choices alike": 1}
    assert {q.source_row for q in assembled.questions if q.split == "test"} == {1}
