"""What a training gains whatever its seed: adapters of one label, with questions and seeds resampled together."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from components.benchmarks.adapters import seeds_by_label
from components.compare.intervals import BASE, SeededBootstrap
from components.statistics import Outcome


def over_seeds(
    outcomes: Sequence[Outcome], languages: Sequence[str], num_resamples: int, confidence: float, seed: int
) -> dict[str, Any]:
    """By label: accuracy and gain over the base, means over its seeds and over `languages`, and each seed's gain."""
    systems = dict.fromkeys(row.system for row in outcomes)
    of = {system: [row for row in outcomes if row.system == system] for system in systems}
    told = {}
    for label, seeds in seeds_by_label(list(systems)).items():
        arm = {number: of[system] for number, system in seeds.items()}
        bootstrap = SeededBootstrap(of[BASE], {label: arm}, num_resamples, confidence, seed)
        gains = bootstrap.by_seed(label, BASE, languages)
        told[label] = {
            "num_seeds": len(seeds),
            "accuracy": asdict(bootstrap.accuracy(label, languages)),
            "gain": asdict(bootstrap.gain(label, BASE, languages)),
            "gain_by_seed": dict(zip(map(str, bootstrap.seeds), gains, strict=True)),
        }
    return told
