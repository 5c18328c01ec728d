"""Every attack on real responses in all languages: golden texts, what each must do to answer and language, reasons."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.answers import read_answer, same_answer
from components.attacks import ATTACKS, Attack, Honest, attacks_on, try_attacks
from components.attacks.anatomy import number_spans
from components.attacks.hollow import NUM_REPEATS, filler_sentences
from components.attacks.invisible import ZERO_WIDTH
from components.contracts import PipelineError
from components.lang import languages
from components.lang.share import language_shares
from tests.architecture.imports import ROOT, closure
from tests.architecture.test_stages import STAGES
from tests.attacks.rows import HERE, built_in, fixed

GOLDEN = [json.loads(line) for line in (HERE / "golden.jsonl").read_text(encoding="utf-8").splitlines()]
WRONG_ANSWER = ("empty", "final_number", "other_reference", "question")
NOT_IN_THE_LANGUAGE = ("digits", "equations", "english_reference", "wrong_language", "mixed_scripts")
HOLLOW = ("phrase_alone", "filler", "repetition", "middle_number")
ROWS = [*fixed(), *built_in(), *built_in(native_digits=True)]


def by_name(honest: Honest, others: list[Honest]) -> dict[str, Attack]:
    return {attack.name: attack for attack in attacks_on(honest, others)}


def run_of(honest: Honest) -> list[Honest]:
    return next(run for run in (fixed(), built_in(), built_in(native_digits=True)) if honest in run)


def reads_right(text: str, honest: Honest) -> bool:
    return same_answer(read_answer(text, honest.lang, choices=honest.choices).value, honest.reference_answer)


def visible(text: str) -> str:
    return "".join(character for character in text if character not in ZERO_WIDTH)


any_row = st.sampled_from(ROWS)


def test_the_kinds_are_the_ones_asked_for():
    assert {name: kind for name, (kind, _) in ATTACKS.items()} == (
        dict.fromkeys((*WRONG_ANSWER, *NOT_IN_THE_LANGUAGE), "wrong")
        | dict.fromkeys(HOLLOW, "hollow")
        | {"zero_width": "same"}
    )


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: f"{case['attack']}-{case['lang']}")
def test_golden(case):
    honest = next(row for row in fixed() if (row.problem_id, row.lang) == (case["problem_id"], case["lang"]))
    assert honest.text == case["honest"]
    assert by_name(honest, fixed())[case["attack"]].text == case["text"]


def test_golden_cases_know_every_attack():
    assert {case["attack"] for case in GOLDEN} == ATTACKS.keys()


@pytest.mark.parametrize("lang", sorted(languages()))
def test_every_attack_is_built_in_every_language(lang):
    own = [row for row in fixed() if row.lang == lang]
    assert len(own) >= 2
    for honest in own:
        built, left_out = try_attacks(honest, fixed())
        assert [missing.name for missing in left_out] == (["english_reference"] if lang == "en" else [])
        assert all((attack.problem_id, attack.lang) == (honest.problem_id, lang) for attack in built)
        assert [(attack.name, attack.kind) for attack in built] == [
            (name, kind) for name, (kind, _) in ATTACKS.items() if (name, lang) != ("english_reference", "en")
        ]


@given(any_row)
def test_a_wrong_answer_never_reads_as_the_right_one(honest):
    built = by_name(honest, run_of(honest))
    for name in WRONG_ANSWER:
        if name in built:
            assert not reads_right(built[name].text, honest), name


@given(any_row)
def test_hollow_attacks_read_as_the_right_answer(honest):
    built = by_name(honest, run_of(honest))
    for name in HOLLOW:
        if name in built:
            assert reads_right(built[name].text, honest), name


@pytest.mark.slow
@pytest.mark.parametrize("honest", [*fixed(), *built_in()[::7]], ids=lambda row: f"{row.problem_id}-{row.lang}")
def test_less_than_half_is_in_the_language(honest):
    built = by_name(honest, run_of(honest))
    assert language_shares(honest.text, honest.lang, honest.question).share > 0.5
    for name in NOT_IN_THE_LANGUAGE:
        if name in built:
            assert language_shares(built[name].text, honest.lang, honest.question).share < 0.5, name


@settings(max_examples=40)
@given(any_row, st.randoms(use_true_random=False))
def test_the_order_of_the_run_changes_nothing(honest, rng):
    run = run_of(honest)
    assert attacks_on(honest, rng.sample(run, len(run))) == attacks_on(honest, run)


@pytest.mark.slow
def test_every_process_builds_the_same():
    program = (
        "from tests.attacks.rows import fixed; from components.attacks import attacks_on;"
        "print(ascii([attacks_on(row, fixed()) for row in fixed()]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ascii([attacks_on(row, fixed()) for row in fixed()]) + "\n"


@given(any_row)
def test_zero_width_only_adds_what_cannot_be_seen(honest):
    text = by_name(honest, run_of(honest))["zero_width"].text
    assert visible(text) == visible(honest.text)
    characters = iter(text)
    assert all(character in characters for character in honest.text)  # in order: a subsequence
    whole = [text[span.start : span.end] for span in number_spans(text, honest.lang)]
    assert all(len(number) == 1 or not number.isdecimal() for number in whole)  # none of two digits is left in one


@given(any_row, st.sampled_from(["final_number", "middle_number"]))
def test_exactly_one_digit_is_another(honest, name):
    built = by_name(honest, run_of(honest))
    if name not in built:
        return
    text = built[name].text
    assert len(text) == len(honest.text)
    [place] = [at for at, (one, other) in enumerate(zip(honest.text, text, strict=True)) if one != other]
    assert text[place].isdecimal()
    assert ord(text[place]) - int(text[place]) == ord(honest.text[place]) - int(honest.text[place])  # one script
    before = {span.value for span in number_spans(honest.text, honest.lang)}
    after = {span.value for span in number_spans(text, honest.lang)}
    assert len(after - before) == 1  # the new number stood nowhere


@given(any_row)
def test_the_working_contradicts_a_final_number_and_a_middle_number_stands_before_it(honest):
    built = by_name(honest, run_of(honest))
    spans = number_spans(honest.text, honest.lang)
    final = built["final_number"].text
    assert final[: spans[-1].start] == honest.text[: spans[-1].start]
    if "middle_number" in built:
        assert built["middle_number"].text[spans[-1].start :] == honest.text[spans[-1].start :]


@given(any_row)
def test_filler_adds_four_sentences_and_takes_nothing(honest):
    text = by_name(honest, run_of(honest))["filler"].text
    sentences = filler_sentences(honest.lang)
    for sentence in sentences:
        assert text.count(sentence) == 1
        text = text.replace(sentence, "")
    assert "".join(text.split()) == "".join(honest.text.split())


@given(any_row)
def test_one_sentence_stands_six_times(honest):
    text = by_name(honest, run_of(honest))["repetition"].text
    added = len("".join(text.split())) - len("".join(honest.text.split()))
    assert added > 0
    assert added % (NUM_REPEATS - 1) == 0


@pytest.mark.parametrize("lang", sorted(languages()))
def test_filler_has_no_numbers_and_announces_nothing_and_is_in_its_language(lang):
    sentences = filler_sentences(lang)
    assert len(set(sentences)) == 4
    for sentence in sentences:
        assert read_answer(sentence, lang).value is None
        assert not any(phrase.lower() in sentence.lower() for phrase in languages()[lang].answer_phrases)
    assert language_shares(" ".join(sentences), lang).share > 0.9


CHOICES = {
    "de": ("Paris liegt an der Seine. Die Antwort ist B.", "Die Antwort ist ", ("Rom", "Paris", "Bern"), "B"),
    "zh": ("巴黎在塞纳河边，所以答案是B。", "所以答案是", ("罗马", "巴黎", "伯尔尼"), "B"),
    "bn": ("প্যারিস সেন নদীর তীরে। উত্তর হলো খ।", "উত্তর হলো ", ("রোম", "প্যারিস", "বার্ন"), "B"),
}


@pytest.mark.parametrize("lang", CHOICES)
def test_a_choices_letter_is_announced_like_a_number(lang):
    text, phrase, choices, letter = CHOICES[lang]
    honest = Honest("city", lang, text, "", "Paris lies on the Seine. The answer is B.", letter, choices, "rollout")
    built = by_name(honest, [honest])
    wrong = built["final_number"].text
    assert wrong != text
    assert wrong[: text.index(phrase) + len(phrase)] == text[: text.index(phrase) + len(phrase)]
    assert read_answer(wrong, lang, choices=choices).value in ("A", "C")
    assert read_answer(built["phrase_alone"].text, lang, choices=choices).value == "B"
    assert len(built["phrase_alone"].text) < len(text)
    assert read_answer(built["filler"].text, lang, choices=choices).value == "B"


def of(text: str, **changes) -> Honest:
    honest = Honest("p", "es", text, "¿Cuántas hay?", "12 + 5 = 17. The answer is 17.", "17", (), "rollout")
    return replace(honest, **changes)


REASONS = [
    (of("La respuesta es 17."), "phrase_alone", "the attack is the honest response itself"),
    (of("La respuesta es 17."), "middle_number", "no number before the answer sentence"),
    (of("La respuesta es 17."), "equations", "no equation"),
    (of("La respuesta es diecisiete."), "digits", "no number in digits"),
    (of("La respuesta es diecisiete."), "final_number", "writes its answer neither in digits nor as a letter"),
    (of("Son peras.", reference_answer=None), "filler", "no readable answer"),
    (of("Son peras.", reference_answer=None), "other_reference", "no readable answer"),
    (of("12 + 5 = 17."), "mixed_scripts", "no words"),
    (of("Son 17.", question=""), "question", "no question"),
    (of("Son 17.", question="¿Son 16 o 17 peras? Hay 17."), "question", "the question reads as the right answer"),
    (of("Son 17.", reference_text=""), "english_reference", "no reference text"),
    (of("Son 17."), "wrong_language", "no honest response to the problem in another language"),
    (of("Son 17."), "other_reference", "no honest response to another problem with another answer"),
    (
        replace(fixed()[2], reference_answer=None),
        "mixed_scripts",
        "no honest response to the problem in another script",
    ),
]


@pytest.mark.parametrize(("honest", "name", "reason"), REASONS, ids=[f"{row[1]}-{row[2][:20]}" for row in REASONS])
def test_what_cannot_be_built_is_left_out_with_its_reason(honest, name, reason):
    built, left_out = try_attacks(honest, [honest])
    assert {attack.name for attack in built} | {missing.name for missing in left_out} == ATTACKS.keys()
    assert len(built) + len(left_out) == len(ATTACKS)
    [told] = [missing.reason for missing in left_out if missing.name == name]
    assert reason in told


def test_a_hidden_answer_is_what_the_text_says():
    hidden = replace(fixed()[0], reference_answer=None)
    assert attacks_on(hidden, fixed()) == attacks_on(fixed()[0], fixed())


def test_an_equation_of_latex_and_of_the_letter_x_is_one():
    honest = of(r"Son 4 x 5 = 20 y \(20 \times 2 = 40\). La respuesta es 40.", reference_answer="40")
    assert by_name(honest, [honest])["equations"].text == "4 × 5 = 20\n20 × 2 = 40"


@pytest.mark.parametrize("piece", ["1 + ", " ", "\u00a0", "1", "(", "= ", "- 1 ", "a. ", "12 + 5 = 17. "])
def test_long_responses_take_no_time(piece):
    honest = of(f"Son 12 + 5 = 17 peras. {piece * 3000} La respuesta es 17.", lang="th" if piece == " " else "es")
    started = time.process_time()
    attacks_on(honest, [honest])
    assert time.process_time() - started < 5


def test_a_response_that_is_not_right_is_refused():
    with pytest.raises(PipelineError, match=r"`p` in `es` reads as 16, its reference says 17: leave it out"):
        attacks_on(of("Son 16."), [])


def test_no_stage_is_imported():
    assert {name.split(".")[1] for name in closure("components.attacks") if "." in name}.isdisjoint(STAGES)
