"""What the report says, section by section. A section whose numbers do not exist (no second language) is left out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from components.contracts import Prediction
from components.params import Params
from components.report.document import Answer, Block, Bullets, Figure, RowGroup, Sample, Section, Table, Text
from components.report.figures import LABELS, accuracy_plot, training_plot
from components.report.inputs import SYSTEMS, Inputs
from components.report.references import reference_blocks
from components.report.rewards import reward_sections
from components.report.summary import ENGLISH, language_groups
from components.report.words import (
    accuracy_cell,
    decimal,
    gain_cell,
    gap_sentence,
    headline,
    language_name,
    parts,
    percent,
    verdict_sentence,
    without_gold,
)
from components.statistics import PairedBootstrap

TITLE = "pb-rlsvr: what training changed"
GROUP_NAMES = {
    "trained_languages": "trained",
    "untrained_languages": "never trained",
    "all_but_english": "all but English",
}
FAMILY_NAMES = {"seen": "seen in training", "unseen": "only in test"}
SYSTEM_HEADER = tuple(LABELS[system] for system in SYSTEMS)


def sections(
    inputs: Inputs, summary: Mapping[str, Any], bootstrap: PairedBootstrap | None, params: Params
) -> Iterator[Section]:
    """All sections in their order; those on accuracy only where there is a bootstrap, that is, any gold answer."""
    languages = [lang for lang in params.base.languages if lang in inputs.languages]
    num_without_gold, num_problems = inputs.num_without_gold, inputs.num_problems
    missing = [Text(without_gold(num_without_gold, num_problems), bootstrap is None)] if num_without_gold else []
    verdict = Text(verdict_sentence(inputs.audit), strong=inputs.audit["verdict"] == "failed")
    if bootstrap is None:
        yield Section("The result", [*missing, verdict])
    else:
        yield from _accuracy_sections(summary, bootstrap, params, [verdict, *missing])
    yield Section("Language and length of the responses", _shares(inputs.evaluate, summary, languages))
    yield Section("The references", reference_blocks(inputs.reference, inputs.models))
    yield from reward_sections(inputs.calibrate, inputs.audit, params)
    yield Section("Training", _training(inputs))
    yield Section("Samples", _samples(inputs, languages))
    yield Section("Limits", [_limits(inputs, params)])
    yield Section("How this was made", [Text(_making(inputs, params))])


def _accuracy_sections(
    summary: Mapping[str, Any], bootstrap: PairedBootstrap, params: Params, notes: Sequence[Text]
) -> Iterator[Section]:
    groups = language_groups(params.base, frozenset(bootstrap.languages))
    others = groups.get("all_but_english", [])
    confidence = params.report.confidence
    told = [Text(headline(bootstrap, others, confidence), strong=True), Text(parts(bootstrap, others))]
    yield Section("The result", [*told, *notes])
    yield Section("Accuracy by language", _by_language(summary, bootstrap, groups, confidence))
    if "gap_to_english" in summary:
        yield Section("Gap to English", [Text(gap_sentence(summary["gap_to_english"], confidence))])
    if "families" in summary:
        yield Section("Kinds of problems", _families(summary["families"]))


def _by_language(
    summary: Mapping[str, Any], bootstrap: PairedBootstrap, groups: Mapping[str, Sequence[str]], confidence: float
) -> list[Block]:
    languages, macro = summary["languages"], summary["macro"]

    def row(name: str, entry: Mapping[str, Any], own: Sequence[str]) -> list[str]:
        added = entry.get("rl_gain") or asdict(bootstrap.gain("trained", "warmup", own))
        return [name, *(accuracy_cell(entry[s]) for s in SYSTEMS), gain_cell(entry["gain"]), gain_cell(added)]

    order: list[str] = []
    tables = []
    for group in ("trained_languages", "untrained_languages"):
        own = list(groups.get(group, []))
        order += own
        if own:
            rows = [row(language_name(lang), languages[lang], [lang]) for lang in own]
            tables.append(RowGroup(GROUP_NAMES[group], [*rows, row("mean", macro[group], own)]))
    last = [row(GROUP_NAMES[name], macro[name], own) for name, own in groups.items() if name == "all_but_english"]
    if ENGLISH in languages:
        order.append(ENGLISH)
        last.append(row(language_name(ENGLISH), languages[ENGLISH], [ENGLISH]))
    plot = accuracy_plot({lang: languages[lang] for lang in order}, [language_name(lang) for lang in order])
    level = f"{100 * confidence:g} %"
    return [
        Table(("language", *SYSTEM_HEADER, "gain", "of it by RL"), [*tables, RowGroup("in all", last)]),
        Text(
            f"Per cent right on test, greedy decoding, with {level} intervals: Wilson for a single language, else a "
            "bootstrap over problems. Gains are trained minus base, and trained minus warm-up, in points, paired by "
            f"problem. ▲ and ▼ mark gains whose interval excludes zero; of {len(order)} languages without any change, "
            f"about {len(order) * (1 - confidence):.1f} would be marked by chance."
        ),
        Figure(plot, "Accuracy by language before and after, with intervals."),
    ]


def _families(families: Mapping[str, Any]) -> list[Block]:
    rows = [
        [FAMILY_NAMES[name], *(accuracy_cell(entry[system]) for system in SYSTEMS), gain_cell(entry["gain"])]
        for name, entry in families.items()
    ]
    note = "Means over the languages other than English. Families only in test show whether the gain carries over."
    return [Table(("problem families", *SYSTEM_HEADER, "gain"), [RowGroup("", rows)]), Text(note)]


def _shares(evaluate: Mapping[str, Any], summary: Mapping[str, Any], languages: Sequence[str]) -> list[Block]:
    names = ("language_share", "truncated_share")
    header = [f"{title}, {LABELS[s]}" for title in ("in language", "cut off") for s in SYSTEMS]
    rows = [
        [language_name(lang), *(percent(evaluate[s][lang][name], 0) for name in names for s in SYSTEMS)]
        for lang in languages
    ]
    mean = ["mean without English", *(percent(summary[name][s], 0) for name in names for s in SYSTEMS)]
    last = [mean] if [*languages] != [ENGLISH] else []
    note = (
        "In language: share of a response's words that are in the question's language, per cent. "
        "Cut off: share of responses that reached the token limit, per cent."
    )
    return [Table(("language", *header), [RowGroup("", [*rows, *last])]), Text(note)]


def _training(inputs: Inputs) -> list[Block]:
    train = inputs.train
    validation = {int(step): value for step, value in train["validation"].items()}
    chosen = train["chosen_step"]
    told = (
        f"{train['steps']} steps of {train['method'].upper()}. Validation (agreement with the references): "
        f"{percent(validation.get(0))} % after the warm-up, {percent(validation[chosen])} % at step {chosen}, which "
        f"was chosen for it."
    )
    if train["method"] != "sft":
        told += (
            f" Mean reward {decimal(train['reward_first_fifth'], 3)} in the first fifth and "
            f"{decimal(train['reward_last_fifth'], 3)} in the last. Groups whose responses all got the same reward: "
            f"{percent(train['zero_signal_share'])} %. Truncated responses: {percent(train['truncated_share'])} %."
        )
    plot = training_plot(inputs.curve, validation, chosen)
    described = "Above, reward and validation; below, the shares of groups without signal and of truncated responses."
    return [Text(told), Figure(plot, described)]


def _samples(inputs: Inputs, languages: Sequence[str]) -> list[Block]:
    """The first problem of a seen and of an unseen family: the same ones in every language, whatever came out."""
    answers = {(row.system, row.problem_id, row.lang): row for row in inputs.predictions}
    blocks: list[Block] = [Text("The first problem of each kind in test, in every language; not chosen by outcome.")]
    for lang in languages:
        own = [row for row in inputs.predictions if row.system == "base" and row.lang == lang]
        first = {row.unseen_family: row for row in reversed(own)}
        for unseen, row in sorted(first.items()):
            question = inputs.questions[row.problem_id, lang]
            title = f"{language_name(lang)}, family {FAMILY_NAMES['unseen' if unseen else 'seen']}"
            pair = [_answer(answers[system, row.problem_id, lang]) for system in ("base", "trained")]
            blocks.append(Sample(title, lang, question.asked, question.answer or "not known", pair))
    return blocks


def _answer(row: Prediction) -> Answer:
    read = "no answer could be read" if row.answer_read is None else f"answers {row.answer_read}"
    verdict = {True: "right", False: "wrong", None: "not graded"}[row.correct]
    return Answer(LABELS[row.system], f"{read}, {verdict}", row.response)


def _limits(inputs: Inputs, params: Params) -> Bullets:
    size = inputs.models["policy_num_parameters"] / 1e6
    problems = inputs.evaluate["num_problems"]
    items = [
        f"One training run with one seed ({params.base.seed}). The intervals tell what other problems would have "
        "changed, not what another seed would have.",
        f"A policy of {size:,.0f} million parameters: nothing here says how larger ones behave.",
        f"{problems} test problems. The embedded ones are short word problems from this project's own templates: no "
        "public benchmark, and little is said about harder mathematics.",
        "A response counts as right by its final answer alone; how it got there is not judged.",
    ]
    if inputs.models["self_pivot"]:
        items.append(
            "Self-pivot: the references come from the policy itself, so training can pass on what it knows in English, "
            "its mistakes included, and no more."
        )
    if inputs.languages == {ENGLISH}:
        items.append("English is the only language evaluated: nothing is said about transfer between languages.")
    return Bullets(items)


def _making(inputs: Inputs, params: Params) -> str:
    report = params.report
    return (
        f"Written by the stage report (python -m components.report) from {len(inputs.predictions)} greedy responses in "
        "data/evaluate/predictions.parquet and the metrics of the earlier stages. Bootstrap: "
        f"{report.bootstrap_resamples} resamples of whole problems with all their languages and systems, percentile "
        f"intervals at {100 * report.confidence:g} %. The numbers are in metrics/report.json, every parameter in "
        "params.yaml, the run in MLflow."
    )
