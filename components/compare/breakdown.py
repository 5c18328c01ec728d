"""Where the arms' accuracy lies: by language, and in families that were seen in training and that were not."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from components.contracts import Prediction

PIVOT = "en"
SEEN, UNSEEN = "seen families", "unseen families"
Seeds = Sequence[Sequence[Prediction]]
"""What one system answers, of each of its seeds."""


def breakdown(systems: Mapping[str, Seeds]) -> dict[str, dict[str, float]]:
    """Of each system: the share of right answers, 0 to 1, in each part that has any with gold; mean over its seeds."""
    return {name: _parts(seeds) for name, seeds in systems.items()}


def _parts(seeds: Seeds) -> dict[str, float]:
    languages = list(dict.fromkeys(row.lang for row in seeds[0]))
    told = {lang: _accuracy([[row for row in rows if row.lang == lang] for rows in seeds]) for lang in languages}
    others = [[row for row in rows if row.lang != PIVOT] for rows in seeds]
    for name, is_unseen in ((SEEN, False), (UNSEEN, True)):
        told[name] = _accuracy([[row for row in rows if row.unseen_family == is_unseen] for rows in others])
    return {name: share for name, share in told.items() if share is not None}


def _accuracy(seeds: Seeds) -> float | None:
    graded = [[row.correct for row in rows if row.correct is not None] for rows in seeds]
    return fmean(fmean(correct) for correct in graded) if all(graded) else None


def as_table(parts: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Its lines in Markdown, per cent."""
    names = list(dict.fromkeys(name for own in parts.values() for name in own))
    lines = [f"| arm | {' | '.join(names)} |", f"|{' --- |' * (1 + len(names))}"]
    for arm, own in parts.items():
        cells = (f"{100 * own[name]:.1f}" if name in own else "–" for name in names)
        lines.append(f"| {arm} | {' | '.join(cells)} |")
    return lines
