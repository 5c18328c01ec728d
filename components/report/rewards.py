"""The sections on the rewards before training: what each tells apart, the hybrid's weights, what training notices."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.attacks.verdict import limits
from components.params import Params
from components.report.attacks import attack_blocks
from components.report.document import Block, Figure, RowGroup, Section, Table, Text
from components.report.figures import auc_map, reliability_plot
from components.report.transport import transport_blocks
from components.report.words import LABEL_WORDS, MISSING, auc_cell, decimal, language_name, percent, trusted_label

DRAWN = ("answer", "embedding", "hybrid", "calibrated", "calibrated_hidden")
FORMS = {
    "shifted": "minus its language's mean",
    "z_scored": "z-score in its language",
    "calibrated": "calibrated to P(correct)",
}
DAGGER = "† The sentence encoder does not declare this language: its scores are not used there."
NO_LABEL = "Nothing can be measured: no kind of label knows both right and wrong responses."


def reward_sections(calibrate: Mapping[str, Any], audit: Mapping[str, Any], params: Params) -> Iterator[Section]:
    """From metrics/calibrate.json and metrics/audit.json."""
    marked = {lang: "" if own["encoder_declares"] else " †" for lang, own in calibrate["languages"].items()}
    marks = {lang: marked[lang] for lang in params.base.languages if lang in marked}
    least = limits(params.calibrate.min_wins_wrong, params.calibrate.min_wins_hollow)
    yield Section("What each reward tells apart", [*_told_apart(calibrate, marks), *_responses(calibrate, marks)])
    yield Section("Weights of the hybrid", [*_weights(calibrate["weights"])])
    yield Section("What another form of a reward changes in training", _advantages(calibrate["advantages"]))
    yield Section("Attacks on the reward", attack_blocks(calibrate, marks, least))
    yield Section("Does the calibration hold after training?", transport_blocks(calibrate, audit))


def _told_apart(calibrate: Mapping[str, Any], marks: Mapping[str, str]) -> list[Block]:
    source = trusted_label(calibrate)
    if source is None:
        return [Text(NO_LABEL)]
    costs = calibrate["cost_s_per_1000"]
    groups = [
        RowGroup(f"against {LABEL_WORDS[name]}", _figures(label, costs)) for name, label in calibrate["labels"].items()
    ]
    header = ("reward", "macro AUC", "AUC, pooled", "ECE", "Brier", "log-loss", "responses", "seconds for 1,000")
    note = (
        "AUC: the probability that a right response outscores a wrong one (0.5 is chance); macro: the mean over "
        "languages; pooled: of all responses together, with its interval. ECE, Brier score and log-loss are of "
        "P(correct) on questions that its fit has not seen. Answer only, two levels: P(correct) from the language and "
        "the answer's equality alone. hybrid_hidden and calibrated_hidden look at no answer: what is left where no "
        "reference has one that can be checked."
    )
    rewards = calibrate["labels"][source]["rewards"]
    return [Table(header, groups), Text(note), *_map(rewards, source, marks), *_reliability(rewards, source)]


def _figures(label: Mapping[str, Any], costs: Mapping[str, float]) -> list[list[str]]:
    rows = [
        [
            name,
            decimal(told["auc_macro"]),
            auc_cell(told["pooled"]),
            *_believed(told["pooled"]),
            str(told["pooled"]["n"]),
            decimal(costs[name], 1),
        ]
        for name, told in label["rewards"].items()
    ]
    return [*rows, ["answer only, two levels", MISSING, MISSING, *_believed(label["answer_only"]), MISSING, MISSING]]


def _believed(figures: Mapping[str, float | None]) -> list[str]:
    return [decimal(figures[key], 3) for key in ("ece", "brier", "log_loss")]


def _map(rewards: Mapping[str, Any], source: str, marks: Mapping[str, str]) -> list[Block]:
    aucs = {name: [told["languages"][lang]["auc"] for lang in marks] for name, told in rewards.items()}
    columns = [f"{lang}{mark}" for lang, mark in marks.items()]
    table = Table(("reward", *columns), [RowGroup("", [[name, *map(decimal, own)] for name, own in aucs.items()])])
    described = (
        f"AUC by language against {LABEL_WORDS[source]}; blue is better than chance, orange worse, {MISSING} cannot be "
        "told."
    )
    dagger = [Text(DAGGER)] if any(marks.values()) else []
    return [Figure(auc_map(aucs, columns), described, table), *dagger]


def _reliability(rewards: Mapping[str, Any], source: str) -> list[Block]:
    bins = {name: rewards[name]["reliability"] for name in DRAWN if name in rewards and rewards[name]["reliability"]}
    if not bins:
        return [Text("No reliability diagram: there are fewer labelled questions than folds.")]
    described = (
        f"Reliability against {LABEL_WORDS[source]}: what P(correct) was said (across) and how many were right (up), "
        "in bins of about equal mass, larger where there are more responses. On the diagonal, both are the same."
    )
    return [Figure(reliability_plot(bins), described)]


def _responses(calibrate: Mapping[str, Any], marks: Mapping[str, str]) -> list[Block]:
    """What the figures stand on."""
    languages = calibrate["languages"]
    rows = [[f"{language_name(lang)}{mark}", *_counts(languages[lang])] for lang, mark in marks.items()]
    header = ("asked in", "responses", "right, %", "in language, %", "cut off, %", "unscored by hybrid")
    ungraded = sum(own["num_without_gold"] for own in languages.values())
    note = f" {ungraded} responses have no gold and count as neither right nor wrong." if ungraded else ""
    return [
        Table(header, [RowGroup("", rows)]),
        Text(f"The base model's own responses on calibration problems. Right: equal to the English gold.{note}"),
    ]


def _counts(own: Mapping[str, Any]) -> list[str]:
    shares = ("accuracy", "in_language_share", "truncated_share")
    return [str(own["num_responses"]), *(percent(own[key]) for key in shares), str(own["unscored"])]


def _weights(weights: Mapping[str, Any]) -> list[Block]:
    if weights["status"] != "fitted":
        return [Text(f"{weights['status'].capitalize()}. The hybrid keeps its fixed weights.")]
    rows = [[name, decimal(weight)] for name, weight in weights["by_term"].items()]
    note = (
        f"Log-odds of being right for one standard deviation more of the term, none below 0, fitted on "
        f"{weights['num_questions']} questions against {LABEL_WORDS[weights['on']]}."
    )
    return [Table(("term", "weight"), [RowGroup("", rows)]), Text(note)]


def _advantages(told: Mapping[str, Any]) -> list[Block]:
    if not told:
        return [Text("Cannot be told: no prompt has two responses, so there are no groups to compare in.")]
    groups = [
        RowGroup(name, [_change(FORMS[form], change) for form, change in changes.items()])
        for name, changes in told.items()
    ]
    header = (
        "instead of the raw score", "mean |ΔA|", "pairs reversed, %", "ties parted, %", "signs changed, %",
        "groups without signal, %",
    )  # fmt: skip
    note = (
        "Of GRPO's advantages A as configured, with the floor under the standard deviation, in groups of responses to "
        "one prompt. Without signal: raw → other form."
    )
    warnings = [
        Text(f"Warning: {name} {FORMS[form]} is a no-op: training would not notice it.")
        for name, changes in told.items()
        for form, change in changes.items()
        if change["is_no_op"]
    ]
    return [Table(header, groups), Text(note), *warnings]


def _change(form: str, change: Mapping[str, Any]) -> list[str]:
    own = change["configured"]
    return [
        form,
        decimal(own["mean_change"], 3),
        *(percent(share) for share in (change["reversed_pairs"], change["parted_ties"], own["sign_changes"])),
        f"{percent(own['silent_groups_raw'])} → {percent(own['silent_groups'])}",
    ]
