"""Figures of a benchmark: accuracies with intervals, joint accuracy, comparisons paired by question.

Notation: n questions of a language; K samples of each.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from statistics import NormalDist
from typing import Any

from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from components.answers.verdict import same_answer
from components.benchmarks.sample import BenchmarkSample
from components.benchmarks.seeds import over_seeds
from components.contracts.records import CHOICE_LETTERS
from components.evaluate.figures import accuracies, mean, shares
from components.statistics import Interval, Outcome, PairedBootstrap, accuracy_interval

POWER = 0.8
_NUM_RESAMPLES = 2000

Cells = dict[tuple[str, str], list[BenchmarkSample]]


def summarise(samples: Sequence[BenchmarkSample], confidence: float = 0.95, seed: int = 0) -> dict[str, Any]:
    """Everything that is reported, JSON-ready.

    `systems` by system and language, with `macro` over the languages other than English and `gap` to English where it
    was asked; `comparisons` of each adapter with the base; `seeds` of the labels that have several adapters. Accuracies
    are of the samples with a gold answer. A language's accuracy has Wilson's interval; with several samples a question,
    which are not independent, a bootstrap interval over questions.
    """
    cells: Cells = defaultdict(list)
    for sample in samples:
        cells[sample.system, sample.lang].append(sample)
    systems, langs = _distinct(s.system for s in samples), _distinct(s.lang for s in samples)
    graded = [sample for sample in samples if sample.correct is not None]
    told: dict[str, Any] = {"num_samples": max((s.sample for s in samples), default=0) + 1, "confidence": confidence}
    told["systems"] = {
        system: {lang: _figures(cells[system, lang], confidence) for lang in langs} for system in systems
    }
    if not graded:
        return told | {"macro": {}, "gap": {}, "comparisons": {}, "seeds": {}}
    outcomes = _outcomes(graded)
    bootstrap = PairedBootstrap(outcomes, _NUM_RESAMPLES, confidence, seed)
    others = [lang for lang in bootstrap.languages if lang != "en"] or list(bootstrap.languages)
    if told["num_samples"] > 1:
        for system, lang in product(systems, bootstrap.languages):
            over_questions = bootstrap.accuracy(system, [lang])
            told["systems"][system][lang]["bootstrap"] = [over_questions.low, over_questions.high]
    told["macro"] = {system: _told(bootstrap.accuracy(system, others)) for system in systems}
    with_pivot = "en" in bootstrap.languages and len(bootstrap.languages) > 1
    told["gap"] = {system: _told(bootstrap.gap(system, others)) for system in systems} if with_pivot else {}
    told["comparisons"] = {
        system: _compared(cells, bootstrap, systems[0], system, others, confidence) for system in systems[1:]
    }
    told["seeds"] = over_seeds(outcomes, others, _NUM_RESAMPLES, confidence, seed)
    return told


def pass_at_k(num_right: int, num_samples: int, k: int) -> float:
    """Chance that one of k samples is right, without bias (Chen et al. 2021, arXiv 2107.03374, eq. 1).

    Raises:
        ValueError: k is more than there are samples.
    """
    if k > num_samples:
        raise ValueError(f"pass@{k} needs {k} samples, there are {num_samples}")
    return 1 - math.comb(num_samples - num_right, k) / math.comb(num_samples, k)


def majority(samples: Sequence[BenchmarkSample]) -> bool:
    """Whether the answer that most samples of one question give is right; the first of the most frequent counts."""
    votes: list[tuple[BenchmarkSample, int]] = []
    for sample in (own for own in samples if own.answer_read is not None):
        for place, (first, count) in enumerate(votes):
            if same_answer(sample.answer_read, first.answer_read):
                votes[place] = first, count + 1
                break
        else:
            votes.append((sample, 1))
    return bool(votes) and bool(max(votes, key=lambda vote: vote[1])[0].correct)


def detectable_difference(num: int, num_discordant: int, confidence: float = 0.95) -> float:
    """The smallest true difference of two accuracies on the same `num` questions that is found with power 0.8.

    (z_{1-α/2} + z_{power}) · sqrt(d / n), 0 to 1, with d = (discordant + 1) / (n + 2) the share of questions that the
    two answer differently, by Laplace's rule so that none seen is not none ever: the normal approximation of McNemar's
    test (Connor 1987, Biometrics 43:207, leading term).
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2) + NormalDist().inv_cdf(POWER)
    return min(1.0, z * math.sqrt((num_discordant + 1) / (num + 2) / num))


def _figures(own: Sequence[BenchmarkSample], confidence: float) -> dict[str, Any]:
    """Of one system in one language."""
    by_problem = _by_problem(own)
    graded = {problem: group for problem, group in by_problem.items() if group[0].correct is not None}
    thoughts = [sample.thought_share for sample in own if sample.thought_share is not None]
    figures: dict[str, Any] = {
        "num": len(by_problem),
        "num_graded": len(graded),
        "answer_paths": dict(Counter(sample.answer_path for sample in own)),
        **shares(own),
        "thought_language_share": mean(thoughts),
        "mean_tokens": mean([sample.num_tokens for sample in own]),
    }
    if not graded:
        return figures
    rows = [sample for group in graded.values() for sample in group]
    figures |= accuracies(rows)
    published = [sample.published_correct for sample in rows if sample.published_correct is not None]
    figures["published_accuracy"] = mean(published)
    figures["normalised_accuracy"] = mean([_normalised(sample) for sample in rows if sample.choice_logps])
    num_samples = len(rows) // len(graded)
    if num_samples == 1:
        interval = accuracy_interval([bool(sample.correct) for sample in rows], confidence)
        figures["wilson"] = [interval.low, interval.high]
    else:
        figures["pass_at"] = {
            str(k): mean([pass_at_k(sum(bool(s.correct) for s in g), len(g), k) for g in graded.values()])
            for k in _powers(num_samples)
        }
        figures["majority"] = mean([majority(group) for group in graded.values()])
    return figures


def _compared(
    cells: Cells, bootstrap: PairedBootstrap, before: str, after: str, others: Sequence[str], confidence: float
) -> dict[str, Any]:
    """Paired by question. McNemar's exact test is of one language and of first samples; Holm's correction over all."""
    gain, level = bootstrap.gain(after, before, others), bootstrap.accuracy(before, others).mean
    by_lang = {}
    for lang in bootstrap.languages:
        pairs = _pairs(cells[before, lang], cells[after, lang])
        won = sum(b and not a for a, b in pairs)
        lost = sum(a and not b for a, b in pairs)
        own = bootstrap.gain(after, before, [lang])
        was = bootstrap.accuracy(before, [lang]).mean
        by_lang[lang] = {
            **_told(own),
            "relative": own.mean / was if was else None,
            "num": len(pairs),
            "num_won": won,
            "num_lost": lost,
            "mcnemar_p": float(mcnemar([[0, lost], [won, 0]], exact=True).pvalue),
            "detectable": detectable_difference(len(pairs), won + lost, confidence),
        }
    corrected = multipletests([own["mcnemar_p"] for own in by_lang.values()], method="holm")[1]
    for told, p in zip(by_lang.values(), corrected, strict=True):
        told["holm_p"] = float(p)
    return {
        "with": before,
        "macro": {**_told(gain), "relative": gain.mean / level if level else None},
        "by_language": by_lang,
    }


def _pairs(before: Sequence[BenchmarkSample], after: Sequence[BenchmarkSample]) -> list[tuple[bool, bool]]:
    """Verdicts on the same questions, of the first samples."""
    verdicts = {sample.problem_id: sample.correct for sample in before if sample.sample == 0}
    return [
        (bool(verdicts[sample.problem_id]), bool(sample.correct))
        for sample in after
        if sample.sample == 0 and sample.correct is not None
    ]


def _outcomes(graded: Sequence[BenchmarkSample]) -> list[Outcome]:
    """One a system, question and language: the mean over its samples."""
    found: dict[tuple[str, str, str], list[bool]] = defaultdict(list)
    for sample in graded:
        found[sample.system, sample.problem_id, sample.lang].append(bool(sample.correct))
    return [Outcome(*key, correct=sum(own) / len(own)) for key, own in found.items()]


def _normalised(sample: BenchmarkSample) -> bool:
    """Whether the choice with the largest log-probability a character is right; texts are in the prompt's order."""
    lengths = sample.choice_lengths
    best = max(range(len(lengths)), key=lambda i: sample.choice_logps[i] / lengths[i])
    return CHOICE_LETTERS[best] == sample.gold


def _by_problem(own: Sequence[BenchmarkSample]) -> Mapping[str, list[BenchmarkSample]]:
    found: dict[str, list[BenchmarkSample]] = defaultdict(list)
    for sample in own:
        found[sample.problem_id].append(sample)
    return found


def _powers(num: int) -> list[int]:
    """1, 2, 4, ... and the number itself."""
    return sorted({2**i for i in range(num.bit_length()) if 2**i <= num} | {num})


def _told(interval: Interval) -> dict[str, float]:
    return {"mean": interval.mean, "low": interval.low, "high": interval.high}


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
