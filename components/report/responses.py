"""The section on the responses themselves: right and in the language, in the language, cut off, without an answer."""

from collections.abc import Mapping, Sequence
from typing import Any

from components.report.document import Block, RowGroup, Table, Text
from components.report.figures import LABELS
from components.report.inputs import SYSTEMS
from components.report.summary import ENGLISH, SHARES
from components.report.words import language_name, percent

TITLES = {
    "joint_accuracy": "right and in the language",
    "language_share": "words in the language",
    "truncated_share": "cut off",
    "unparsed_share": "no answer could be read",
}
NOTE = (
    "Per cent. Right and in the language: of the responses with a gold answer, those that are right and have at least "
    "half of their words in the question's language (joint accuracy). Words in the language: the mean share of a "
    "response's words. Cut off: responses that reached the token limit."
)


def response_blocks(evaluate: Mapping[str, Any], summary: Mapping[str, Any], languages: Sequence[str]) -> list[Block]:
    """From metrics/evaluate.json and metrics/report.json; what nobody can know (right, without gold) is left out."""
    groups = []
    for name in SHARES:
        if summary[name]:
            rows = [
                [language_name(lang), *(percent(evaluate[system][lang][name], 0) for system in SYSTEMS)]
                for lang in languages
            ]
            mean = ["mean without English", *(percent(summary[name].get(s), 0) for s in SYSTEMS)]
            groups.append(RowGroup(TITLES[name], rows, [mean] if [*languages] != [ENGLISH] else []))
    return [Table(("language", *(LABELS[system] for system in SYSTEMS)), groups), Text(NOTE)]
