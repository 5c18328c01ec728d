"""Samples that can be filtered: the controls, and the samples as JSON inside the page, which its script shows."""

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from components.report.document import BECAME_RIGHT, BECAME_WRONG, VERDICTS, Sample, Samples, shown
from components.report.words import language_name

CHANGES = {"became": "changed", BECAME_RIGHT: BECAME_RIGHT, BECAME_WRONG: BECAME_WRONG}
"""Choices of the control by what a sample's change has to begin with."""


def searchable(samples: Samples) -> str:
    """The element that the page's script fills; a page has one at most."""
    systems = [answer.who for answer in samples.every[0].answers]
    controls = (
        _select("lang", "Language", {sample.lang: language_name(sample.lang) for sample in samples.every}),
        _select("who", "System", {who: who for who in systems}),
        _select("verdict", "Verdict", {verdict: verdict for verdict in VERDICTS}),
        _select("change", f"Verdict, {systems[0]} to {systems[-1]}", CHANGES),
    )
    return (
        f'<div id="samples"><noscript><p>The samples need JavaScript here; report.md shows some.</p></noscript>'
        f'<form autocomplete="off">{"".join(controls)}</form><p class="who" role="status"></p><div class="found"></div>'
        f'<button type="button" hidden></button></div>\n'
        f'<script type="application/json" id="samples-data">{script_json([as_data(s) for s in samples.every])}</script>'
    )


def as_data(sample: Sample) -> dict[str, Any]:
    """What the page's script shows of a sample."""
    answers = [
        {"who": answer.who, "verdict": answer.verdict, "told": answer.told, "response": shown(answer.response)}
        for answer in sample.answers
    ]
    question = shown(sample.question)
    return {
        "title": sample.title, "lang": sample.lang, "question": question, "gold": sample.gold,
        "change": sample.change, "answers": answers,
    }  # fmt: skip


def script_json(value: object) -> str:
    """JSON that may stand in a `<script>`: without `<`, no tag or comment in it can begin or end one."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _select(name: str, label: str, choices: Mapping[str, str]) -> str:
    options = "".join(f'<option value="{escape(value)}">{escape(told)}</option>' for value, told in choices.items())
    return f'<label>{escape(label)} <select name="{name}"><option value="">any</option>{options}</select></label>'
