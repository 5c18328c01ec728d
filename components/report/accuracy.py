"""The sections on accuracy: the result in a sentence, by language, the gap to English, by kind of problem."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from components.params import Params
from components.report.document import Block, Figure, RowGroup, Section, Table, Text
from components.report.figures import LABELS, accuracy_plot
from components.report.inputs import SYSTEMS
from components.report.summary import ENGLISH, language_groups
from components.report.words import (
    accuracy_cell,
    gain_cell,
    gap_sentence,
    headline,
    language_name,
    method_words,
    parts,
)
from components.statistics import PairedBootstrap

GROUP_NAMES = {
    "trained_languages": "trained",
    "untrained_languages": "never trained",
    "all_but_english": "all but English",
}
FAMILY_NAMES = {"seen": "seen in training", "unseen": "only in test"}
SYSTEM_HEADER = tuple(LABELS[system] for system in SYSTEMS)


def accuracy_sections(
    summary: Mapping[str, Any], bootstrap: PairedBootstrap, params: Params, notes: Sequence[Text]
) -> Iterator[Section]:
    """From metrics/report.json; `notes` stand below the result."""
    groups = language_groups(params.base, frozenset(bootstrap.languages))
    others = groups.get("all_but_english", [])
    confidence = params.report.confidence
    told = [Text(headline(bootstrap, others, confidence), strong=True), Text(parts(bootstrap, others, params.train))]
    yield Section("The result", [*told, *notes])
    yield Section("Accuracy by language", _by_language(summary, bootstrap, groups, params))
    if "gap_to_english" in summary:
        yield Section("Gap to English", [Text(gap_sentence(summary["gap_to_english"], confidence, params.train))])
    if "families" in summary:
        yield Section("Kinds of problems", _families(summary["families"]))


def accuracy_table(summary: Mapping[str, Any], bootstrap: PairedBootstrap, params: Params) -> Table:
    """Accuracy and gains by language; below each group of languages, and below all, the means."""
    languages, macro = summary["languages"], summary["macro"]
    groups = language_groups(params.base, frozenset(bootstrap.languages))

    def row(name: str, entry: Mapping[str, Any], own: Sequence[str]) -> list[str]:
        added = entry.get("rl_gain") or asdict(bootstrap.gain("trained", "warmup", own))
        return [name, *(accuracy_cell(entry[s]) for s in SYSTEMS), gain_cell(entry["gain"]), gain_cell(added)]

    tables = []
    for group in ("trained_languages", "untrained_languages"):
        if own := groups.get(group, []):
            rows = [row(language_name(lang), languages[lang], [lang]) for lang in own]
            tables.append(RowGroup(GROUP_NAMES[group], rows, [row("mean", macro[group], own)]))
    last = [row(GROUP_NAMES[name], macro[name], own) for name, own in groups.items() if name == "all_but_english"]
    if ENGLISH in languages:
        last.append(row(language_name(ENGLISH), languages[ENGLISH], [ENGLISH]))
    header = ("language", *SYSTEM_HEADER, "gain", f"of it by {method_words(params.train)}")
    return Table(header, [*tables, RowGroup("in all", [], last)])


def _by_language(
    summary: Mapping[str, Any], bootstrap: PairedBootstrap, groups: Mapping[str, Sequence[str]], params: Params
) -> list[Block]:
    languages, confidence = summary["languages"], params.report.confidence
    order = [lang for group in ("trained_languages", "untrained_languages") for lang in groups.get(group, [])]
    order += [ENGLISH] if ENGLISH in languages else []
    plot = accuracy_plot({lang: languages[lang] for lang in order}, [language_name(lang) for lang in order])
    level, second = f"{100 * confidence:g} %", "warm-up" if params.train.warmup_steps else "untrained adapter"
    return [
        accuracy_table(summary, bootstrap, params),
        Text(
            f"Per cent right on test, greedy decoding, with {level} intervals: Wilson for a single language, else a "
            f"bootstrap over problems. Gains are trained minus base, and trained minus {second}, in points, paired by "
            f"problem. ▲ and ▼ mark gains whose interval excludes zero; of {len(order)} languages without any change, "
            f"about {len(order) * (1 - confidence):.1f} would be marked by chance."
        ),
        Figure(plot, f"Accuracy by language: {', '.join(SYSTEM_HEADER)}, joined in this order, with intervals."),
    ]


def _families(families: Mapping[str, Any]) -> list[Block]:
    rows = [
        [FAMILY_NAMES[name], *(accuracy_cell(entry[system]) for system in SYSTEMS), gain_cell(entry["gain"])]
        for name, entry in families.items()
    ]
    note = "Means over the languages other than English. Families only in test show whether the gain carries over."
    return [Table(("problem families", *SYSTEM_HEADER, "gain"), [RowGroup("", rows)]), Text(note)]
