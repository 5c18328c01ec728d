"""Plain lines without a terminal: calm, complete, and with an estimate."""

import pytest

from components import progress


def test_a_quick_loop_prints_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress.track(iter("abc"), "reading", total=3)) == ["a", "b", "c"]
    assert capsys.readouterr().out == "reading: 3/3, elapsed 0:00:00\n"


def test_a_slow_loop_prints_at_intervals_with_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with progress.Progress("training", total=6) as bar:
        for step in range(6):
            now[0] += 6
            bar.advance(note=f"loss {step}")
    assert capsys.readouterr().out.splitlines() == [
        "training: 2/6, elapsed 0:00:12, left 0:00:24, loss 1",
        "training: 4/6, elapsed 0:00:24, left 0:00:12, loss 3",
        "training: 6/6, elapsed 0:00:36, loss 5",
    ]


def test_text_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    progress.say("[es] " + "x" * 200)
    assert capsys.readouterr().out == "[es] " + "x" * 200 + "\n"
