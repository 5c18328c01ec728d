"""A benchmark's figures for people: tables on the terminal, sections of the report."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table as RichTable

from components.benchmarks.sample import BenchmarkSample
from components.progress import print_wide, say
from components.report.document import Answer, Block, Bullets, RowGroup, Sample, Samples, Section, Table, Text, Verdict
from components.report.words import gain_cell, language_name, percent, points

_SAMPLES_EACH = 5
"""Questions shown of each language, those whose verdict changed first; all of them are in samples.parquet."""

_VERDICTS: dict[bool | None, Verdict] = {True: "right", False: "wrong", None: "not graded"}

Rows = list[Sequence[str]]


def print_benchmark(metrics: Mapping[str, Any]) -> None:
    """Tables of accuracies and of comparisons."""
    for table in (_accuracies(metrics), *_seeds(metrics), *_comparisons(metrics)):
        for group in table.groups:
            drawn = RichTable(*table.header, title=group.title)
            for row in (*group.rows, *group.totals):
                drawn.add_row(*row)
            print_wide(drawn)
    for sentence in _sentences(metrics):
        say(sentence)


def sections(metrics: Mapping[str, Any], samples: Sequence[BenchmarkSample]) -> list[Section]:
    """The report."""
    comparisons: list[Block] = [*_seeds(metrics), *_comparisons(metrics)]
    return [
        Section("Result", [*(Text(sentence) for sentence in _sentences(metrics)), _accuracies(metrics)]),
        *([Section("Against the base model", comparisons)] if comparisons else []),
        Section("Samples", [_samples(samples)]),
        Section("How it was made", [Bullets(list(_made(metrics["made"])))]),
    ]


def _accuracies(metrics: Mapping[str, Any]) -> Table:
    several = metrics["num_samples"] > 1
    header = ["language", "questions", "accuracy, % [95 %]", "and in the language", "by the published rule",
              "answer in the language", "thought in the language", "no answer", "truncated"]  # fmt: skip
    if several:
        header += ["majority", "pass@k"]
    groups = []
    for system, by_lang in metrics["systems"].items():
        rows = [_row(lang, own, several=several) for lang, own in by_lang.items()]
        totals: Rows = []
        if macro := metrics["macro"].get(system):
            totals = [[_mean_of(metrics), "", _accuracy(macro), *[""] * (len(header) - 3)]]
        groups.append(RowGroup(system, rows, totals))
    return Table(header, groups)


def _row(lang: str, own: Mapping[str, Any], *, several: bool) -> list[str]:
    accuracy = "no gold"
    if interval := own.get("wilson") or own.get("bootstrap"):
        low, high = interval
        accuracy = f"{percent(own['accuracy'])} [{percent(low, 0)}, {percent(high, 0)}]"
    shares = ("joint_accuracy", "published_accuracy", "language_share", "thought_language_share", "unparsed_share",
              "truncated_share")  # fmt: skip
    row = [language_name(lang), str(own["num"]), accuracy, *(percent(own.get(key)) for key in shares)]
    if several:
        passed = ", ".join(f"{k}: {percent(share)}" for k, share in own.get("pass_at", {}).items())
        row += [percent(own.get("majority")), passed]
    return row


def _seeds(metrics: Mapping[str, Any]) -> list[Table]:
    """Labels with several adapters, over questions and seeds; no table where there are none."""
    header = ["adapters", "seeds", "accuracy, % [95 %]", "gain, points [95 %]", "each seed's gain"]
    rows: Rows = [
        [label, str(own["num_seeds"]), _accuracy(own["accuracy"]), gain_cell(own["gain"]),
         ", ".join(map(points, own["gain_by_seed"].values()))]
        for label, own in metrics["seeds"].items()
    ]  # fmt: skip
    title = f"several seeds, over questions and seeds, {_mean_of(metrics)}"
    return [Table(header, [RowGroup(title, rows)])] if rows else []


def _comparisons(metrics: Mapping[str, Any]) -> list[Table]:
    header = ["language", "questions", "gain, points [95 %]", "relative, %", "won", "lost", "McNemar p", "Holm p",
              "detectable, points"]  # fmt: skip
    tables = []
    for system, own in metrics["comparisons"].items():
        rows: Rows = [
            [language_name(lang), str(one["num"]), _gain(one), _relative(one), str(one["num_won"]),
             str(one["num_lost"]), f"{one['mcnemar_p']:.3f}", f"{one['holm_p']:.3f}", points(one["detectable"])]
            for lang, one in own["by_language"].items()
        ]  # fmt: skip
        macro = own["macro"]
        totals: Rows = [[_mean_of(metrics), "", _gain(macro), _relative(macro), *[""] * 5]]
        tables.append(Table(header, [RowGroup(f"{system} against {own['with']}", rows, totals)]))
    return tables


def _sentences(metrics: Mapping[str, Any]) -> Iterator[str]:
    for system, gap in metrics["gap"].items():
        yield f"Gap to English of {system}: {gain_cell(gap)} points."
    if metrics["num_samples"] > 1 and metrics["macro"]:
        yield (
            f"Accuracies and gains are means of {metrics['num_samples']} samples a question, their intervals a "
            "bootstrap over questions; won, lost and p are of the first samples."
        )
    if not metrics["macro"]:
        yield "No row has a gold answer, so nothing is counted right or wrong."


def _samples(samples: Sequence[BenchmarkSample]) -> Samples:
    """Every question with the first sample of each system; as an excerpt some of each language."""
    asked: dict[tuple[str, str], list[BenchmarkSample]] = defaultdict(list)
    for sample in samples:
        if sample.sample == 0:
            asked[sample.lang, sample.problem_id].append(sample)
    every = [
        Sample(
            f"{problem_id}, {language_name(lang)}", lang, own[0].question, own[0].gold or "",
            [Answer(one.system, _VERDICTS[one.correct], one.answer_read, one.response) for one in own],
        )
        for (lang, problem_id), own in asked.items()
    ]  # fmt: skip
    excerpt = []
    for lang in dict.fromkeys(sample.lang for sample in every):
        changed_first = sorted((one for one in every if one.lang == lang), key=lambda one: not one.change)
        excerpt += changed_first[:_SAMPLES_EACH]
    return Samples(every, excerpt, _chosen(every[0]))


def _chosen(sample: Sample) -> str:
    """With a single system no verdict can have changed."""
    if len(sample.answers) == 1:
        return f"The first {_SAMPLES_EACH} questions of each language, not chosen by outcome."
    first, last = sample.answers[0].who, sample.answers[-1].who
    return (
        f"Of each language {_SAMPLES_EACH} questions, chosen by outcome: those whose verdict changed from {first} to "
        f"{last} come first."
    )


def _made(made: Mapping[str, Any]) -> Iterator[str]:
    yield f"Matches {made['matches']}." + (f" Differs: {made['differs']}." if made["differs"] else "")
    yield f"{made['num_shots']} worked examples, at most {made['max_new_tokens']} new tokens."
    yield f"Temperature {made['temperature']}."
    yield f"Model {made['model']} ({made['model_fingerprint']}), {made['date']}."
    for lang, own in made["rows"].items():
        told = own["test"]
        where = ", ".join(f"{key} {value}" for key, value in told.items() if value not in (None, ""))
        yield f"{lang}: {where}."
    yield ", ".join(f"{name} {number}" for name, number in made["versions"].items())


def _mean_of(metrics: Mapping[str, Any]) -> str:
    """What the means are of: English is left out unless nothing else has a gold answer."""
    graded = {lang for by_lang in metrics["systems"].values() for lang, own in by_lang.items() if "accuracy" in own}
    return language_name("en") if graded == {"en"} else "mean of all but English"


def _relative(gain: Mapping[str, Any]) -> str:
    return "" if gain["relative"] is None else f"{100 * gain['relative']:+.0f}"


def _gain(told: Mapping[str, Any]) -> str:
    return gain_cell({key: told[key] for key in ("mean", "low", "high")})


def _accuracy(told: Mapping[str, Any]) -> str:
    return f"{percent(told['mean'])} [{percent(told['low'], 0)}, {percent(told['high'], 0)}]"
