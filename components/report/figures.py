"""The plots, as `<svg>` elements that stand inside a page and take its text colour (so that dark pages work)."""

import re
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from components.report.inputs import SYSTEMS, CurveRow
from components.report.words import decimal

INK = "#010203"  # stands for the page's text colour until the drawing is done
COLOURS = {"base": INK, "warmup": "#D55E00", "trained": "#0072B2"}
"""Okabe and Ito's black, vermillion and blue (jfly.uni-koeln.de/color): told apart with any colour vision."""
MARKERS = {"base": "o", "warmup": "s", "trained": "D"}
LABELS = {"base": "base", "warmup": "after warm-up", "trained": "trained"}
LINES = {"base": "-.", "warmup": "--", "trained": "-"}
CHANCE = 0.5
KL = "kl_to_base"
STYLE: dict[Any, Any] = {  # typed loosely: matplotlib's stubs list every key as a literal
    "svg.fonttype": "none",  # text stays text: small, searchable, read aloud
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
}


def accuracy_plot(languages: Mapping[str, Mapping[str, Any]], labels: Sequence[str]) -> str:
    """A dumbbell a language: accuracy of the three systems in per cent, with intervals, joined in their order."""
    with mpl.rc_context({**STYLE, "svg.hashsalt": "accuracy"}):
        figure = Figure(figsize=(7.6, 0.9 + 0.46 * len(languages)), layout="constrained")
        axes = figure.add_subplot()
        offsets = dict(zip(SYSTEMS, (-0.24, 0.0, 0.24), strict=True))
        for row, entry in enumerate(languages.values()):
            joined = [100 * entry[system]["accuracy"] for system in SYSTEMS]
            axes.plot(joined, [row + offset for offset in offsets.values()], color=INK, alpha=0.35, linewidth=3)
        for system, offset in offsets.items():
            entries = [entry[system] for entry in languages.values()]
            centre = [100 * entry["accuracy"] for entry in entries]
            sides = [
                [100 * (entry["accuracy"] - entry["low"]) for entry in entries],
                [100 * (entry["high"] - entry["accuracy"]) for entry in entries],
            ]
            rows = [row + offset for row in range(len(entries))]
            style: dict[str, Any] = {
                "fmt": MARKERS[system],
                "markersize": 5,
                "elinewidth": 1.2,
                "color": COLOURS[system],
            }
            axes.errorbar(centre, rows, xerr=sides, label=LABELS[system], **style)
        axes.set_yticks(range(len(labels)), labels)
        axes.invert_yaxis()
        axes.set_xlim(0, 100)
        axes.set_xlabel("accuracy on test, %")
        axes.grid(axis="x", color=INK, alpha=0.15)
        figure.legend(loc="outside upper left", ncols=3, frameon=False)
        return _svg(figure, "Accuracy by language and system, with intervals")


def training_plot(curve: Sequence[CurveRow], validation: Mapping[int, float], chosen: int) -> str:
    """Over the steps: reward and validation; groups without signal and truncated responses; entropy, KL if known.

    Supervised steps (`raft`, `sft`) have no rollouts: of theirs validation and loss.
    """
    rolls_out = has_rewards(curve)
    with mpl.rc_context({**STYLE, "svg.hashsalt": "training"}):
        figure = Figure(figsize=(7.6, 6.4 if rolls_out else 4.4), layout="constrained")
        panels = figure.subplots(3 if rolls_out else 2, 1, sharex=True)
        upper, lower = panels[0], panels[-1]
        steps = sorted(validation)
        values = [validation[step] for step in steps]
        label = "validation (agreement with references)"
        upper.plot(steps, values, "s--", color=COLOURS["warmup"], label=label, clip_on=False)
        upper.axvline(chosen, color=INK, alpha=0.4, linewidth=1, linestyle=":", label="chosen checkpoint")
        if rolls_out:
            _line(upper, curve, "reward", "mean reward", "trained")
            _line(panels[1], curve, "zero_signal", "groups without signal", "base")
            _line(panels[1], curve, "truncated", "truncated responses", "warmup")
            _line(lower, curve, "entropy", "entropy", "base")
        else:
            _line(lower, curve, "loss", "loss, nats a token", "trained")
        if has_kl(curve):
            _line(lower, curve, KL, "KL to the base", "trained")
        lower.set_xlabel("step (0: before the first)")
        for axes in panels:
            axes.set_ylim(bottom=0)
            axes.grid(axis="y", color=INK, alpha=0.15)
            axes.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3)
        told = "Reward, validation, silent groups, truncated responses, entropy" if rolls_out else "Validation, loss"
        return _svg(figure, f"{told} over the steps")


def auc_map(aucs: Mapping[str, Sequence[float | None]], columns: Sequence[str]) -> str:
    """One row a reward, one column a language; colour by the distance from chance, the number in each cell."""
    with mpl.rc_context({**STYLE, "svg.hashsalt": "auc"}):
        figure = Figure(figsize=(7.6, 0.5 + 0.29 * len(aucs)), layout="constrained")
        axes = figure.add_subplot()
        for row, values in enumerate(aucs.values()):
            for column, value in enumerate(values):
                _cell(axes, column, row, value)
        axes.set_xticks(range(len(columns)), columns)
        axes.set_yticks(range(len(aucs)), list(aucs))
        axes.set_xlim(-0.5, len(columns) - 0.5)
        axes.set_ylim(len(aucs) - 0.5, -0.5)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        return _svg(figure, "AUC by reward and language")


def _cell(axes: Axes, column: int, row: int, value: float | None) -> None:
    """Pale enough (0.6 at most) for the page's text colour, dark or light, to be read on it."""
    if value is not None:
        colour = COLOURS["trained" if value >= CHANCE else "warmup"]
        strength = 1.2 * abs(value - CHANCE)
        axes.add_patch(Rectangle((column - 0.47, row - 0.45), 0.94, 0.9, color=colour, alpha=strength, linewidth=0))
    axes.text(column, row, decimal(value), ha="center", va="center", fontsize=9)


def reliability_plot(bins: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """One panel a reward (at least one): share of right responses over the probability said, by bin."""
    with mpl.rc_context({**STYLE, "svg.hashsalt": "reliability"}):
        figure = Figure(figsize=(7.6, 2.2), layout="constrained")
        panels = figure.subplots(1, len(bins), sharey=True, squeeze=False)[0]
        for axes, (name, own) in zip(panels, bins.items(), strict=True):
            _reliability(axes, own)
            axes.set_title(name, fontsize=10)
        panels[0].set_ylabel("right")
        figure.supxlabel("P(correct) said", fontsize=10)
        return _svg(figure, "Reliability of the rewards' probabilities")


def _reliability(axes: Axes, bins: Sequence[Mapping[str, float]]) -> None:
    said, right = [part["mean_probability"] for part in bins], [part["share_correct"] for part in bins]
    total = sum(part["n"] for part in bins)
    sizes = [6 + 120 * part["n"] / total for part in bins]  # points squared
    axes.plot([0, 1], [0, 1], color=INK, alpha=0.4, linewidth=1, linestyle=":")
    axes.plot(said, right, color=COLOURS["trained"], linewidth=1)
    axes.scatter(said, right, s=sizes, color=COLOURS["trained"], clip_on=False, zorder=3)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xticks([0, 0.5, 1], ["0", "½", "1"])
    axes.set_yticks([0, 0.5, 1], ["0", "½", "1"])
    axes.set_aspect("equal")


def has_rewards(curve: Sequence[CurveRow]) -> bool:
    """Whether the steps sampled what they learned from."""
    return any(row["reward"] is not None for row in curve)


def has_kl(curve: Sequence[CurveRow]) -> bool:
    """Whether the curve knows the distance to the base model."""
    return any(row.get(KL) is not None for row in curve)


def _line(axes: Axes, curve: Sequence[CurveRow], key: str, label: str, role: str) -> None:
    known = [(step, value) for row in curve if (step := row["step"]) is not None and (value := row[key]) is not None]
    style: dict[str, Any] = {"color": COLOURS[role], "linestyle": LINES[role], "label": label}
    axes.plot([step for step, _ in known], [value for _, value in known], **style)


def _svg(figure: Figure, title: str) -> str:
    """The element alone: what an SVG file needs around it (prologue, metadata, namespaces) has no place in a page."""
    text = StringIO()
    figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' (?:xmlns(?::\w+)?|version)="[^"]*"', "", svg)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # would be the same in every plot; nothing refers to them
    svg = svg.replace("xlink:href", "href").replace(INK, "currentColor")
    return svg.replace("<svg", f'<svg role="img" aria-label="{title}"', 1).strip()
