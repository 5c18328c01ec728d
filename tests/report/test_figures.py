"""The plots: colours and marks that anyone tells apart, and what is drawn where."""

import re

from components.report.figures import COLOURS, INK, LINES, MARKERS, accuracy_plot, training_plot

OKABE_ITO = {"#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"}
"""Wong, Points of view: Color blindness, Nature Methods 8, 441 (2011); black is the page's text colour."""


def test_systems_differ_in_colour_mark_and_line() -> None:
    assert set(COLOURS.values()) - {INK} <= OKABE_ITO
    for styles in (COLOURS, MARKERS, LINES):
        assert len(set(styles.values())) == len(styles) == 3


def test_dumbbells_join_every_language_and_show_the_text_colour() -> None:
    entry = {"accuracy": 0.4, "low": 0.3, "high": 0.5}
    languages = {lang: dict.fromkeys(("base", "warmup", "trained"), entry) for lang in ("es", "th")}
    svg = accuracy_plot(languages, ["Spanish (es)", "Thai (th)"])
    assert len(re.findall(r"stroke-opacity: 0\.35", svg)) == len(languages)
    assert "Thai (th)" in svg
    assert INK not in svg
    assert COLOURS["warmup"].lower() in svg


def test_kl_is_drawn_where_the_curve_has_it() -> None:
    step = {"reward": 0.5, "zero_signal": 0.1, "truncated": 0.0, "length": 20.0, "entropy": 0.3, "validation": None}
    curve = [{"step": float(number)} | step for number in (1, 2)]
    assert "KL to the base" not in training_plot(curve, {0: 0.4, 2: 0.5}, 2)
    known = [row | {"kl_to_base": 0.01} for row in curve]
    assert "KL to the base" in training_plot(known, {0: 0.4, 2: 0.5}, 2)


def test_supervised_steps_show_validation_and_loss() -> None:
    none = dict.fromkeys(("reward", "zero_signal", "truncated", "length", "entropy", "validation"))
    curve = [none | {"step": float(number), "loss": 1.0 / number} for number in range(1, 9)]
    svg = training_plot(curve, {0: 0.4, 8: 0.5}, 8)
    assert "validation (agreement with references)" in svg
    assert "loss, nats a token" in svg
    assert not any(words in svg for words in ("mean reward", "groups without signal", "entropy"))
