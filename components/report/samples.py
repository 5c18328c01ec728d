"""The test questions with what each system said."""

from collections.abc import Sequence

from components.contracts import Prediction
from components.report.accuracy import FAMILY_NAMES
from components.report.document import Answer, Sample, Samples, Verdict
from components.report.figures import LABELS
from components.report.inputs import SYSTEMS, Inputs
from components.report.words import language_name

CHOSEN = "The first of a seen and of an unseen family in every language, not chosen by outcome."
OUTCOMES: dict[bool | None, Verdict] = {True: "right", False: "wrong", None: "not graded"}


def samples_of(inputs: Inputs, languages: Sequence[str]) -> Samples:
    """All, problem by problem; as excerpt the first problem of a seen and of an unseen family, in every language."""
    rows = {(row.system, row.problem_id, row.lang): row for row in inputs.predictions}
    problems = dict.fromkeys(row.problem_id for row in inputs.predictions)
    asked = [(problem, lang) for problem in problems for lang in languages if ("base", problem, lang) in rows]
    every = {key: _sample(inputs, [rows[system, *key] for system in SYSTEMS]) for key in asked}
    first = {(lang, rows["base", problem, lang].unseen_family): (problem, lang) for problem, lang in reversed(asked)}
    excerpt = [every[first[lang, unseen]] for lang in languages for unseen in (False, True) if (lang, unseen) in first]
    return Samples([*every.values()], excerpt, CHOSEN)


def _sample(inputs: Inputs, rows: Sequence[Prediction]) -> Sample:
    """From the rows of the systems on one question."""
    problem, lang = rows[0].problem_id, rows[0].lang
    question = inputs.questions[problem, lang]
    family = FAMILY_NAMES["unseen" if rows[0].unseen_family else "seen"]
    title = f"{language_name(lang)}, problem {problem}, family {family}"
    return Sample(title, lang, question.asked, question.answer or "not known", [_answer(row) for row in rows])


def _answer(row: Prediction) -> Answer:
    return Answer(LABELS[row.system], OUTCOMES[row.correct], row.answer_read, row.response)
