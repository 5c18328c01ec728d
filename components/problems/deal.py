"""Dealing the problems of outside sources out to the splits that name them."""

import random
from dataclasses import dataclass, field
from pathlib import Path

from components.contracts import PipelineError
from components.contracts.records import Split
from components.params import ProblemsParams, SourceParams
from components.problems.build import WORKED
from components.problems.sources import SourceProblem, read_exemplars, read_source

# `test` takes the beginning of the file; asking for more training problems leaves all others as they were.
_FILL_ORDER: tuple[Split, ...] = ("test", "shots", "validation", "calibration", "pivot_shots", "train")


@dataclass(frozen=True, slots=True)
class Dealt:
    """A problem of an outside source with its id over all sources."""

    problem_id: str
    problem: SourceProblem


@dataclass
class _Pool:
    """One source's problems, and which of them are given away."""

    source: SourceParams
    problems: list[SourceProblem]
    shuffled: list[int]
    given: set[int] = field(default_factory=set)

    def take(self, split: Split, count: int) -> list[SourceProblem]:
        """The next `count` problems for a split: of `test` in file order, of the others shuffled.

        Raises:
            PipelineError: Fewer are left.
        """
        must_be_worked = split in WORKED
        places = range(len(self.problems)) if split == "test" else self.shuffled
        fit = [place for place in places if self.problems[place].is_worked or not must_be_worked]
        free = [place for place in fit if place not in self.given]
        if len(free) < count:
            given = f" ({len(fit) - len(free)} more are in other splits)" if len(free) < len(fit) else ""
            kind = "problems with an answer and an English worked solution" if must_be_worked else "problems"
            raise PipelineError(
                f"params.yaml: `problems.num_{split}` is {count}, but {self.source.path} has {len(free)} {kind}"
                f"{given}; lower it or name more data"
            )
        self.given.update(free[:count])
        taken = [self.problems[place] for place in free[:count]]
        return [problem.worked for problem in taken] if must_be_worked else taken


def deal_sources(params: ProblemsParams, seed: int) -> dict[Split, list[Dealt]]:
    """Problems of every split with an outside source; splits with equal sources share its problems without overlap.

    `shots` and `pivot_shots` of MGSM come from its worked examples, which are no test problems.

    Raises:
        PipelineError: A source is not readable, or has too few problems.
    """
    pools: dict[tuple[str, bool], _Pool] = {}
    prefixes: dict[str, str] = {}
    dealt: dict[Split, list[Dealt]] = {}
    for split in _FILL_ORDER:
        source, count = getattr(params.sources, split), getattr(params, f"num_{split}")
        if source == "built-in" or count == 0:
            continue
        identity, of_exemplars = source.model_dump_json(), source.format == "mgsm" and split in WORKED
        if (identity, of_exemplars) not in pools:
            pools[identity, of_exemplars] = _read_pool(source, of_exemplars, seed)
        if identity not in prefixes:
            prefixes[identity] = _prefix(source, set(prefixes.values()))
        problems = pools[identity, of_exemplars].take(split, count)
        dealt[split] = [Dealt(f"{prefixes[identity]}-{problem.key}", problem) for problem in problems]
    return dealt


def _read_pool(source: SourceParams, of_exemplars: bool, seed: int) -> _Pool:
    problems = read_exemplars(source) if of_exemplars else read_source(source)
    shuffled = list(range(len(problems)))
    random.Random(f"{seed}/{source.path}").shuffle(shuffled)  # noqa: S311 - reproducible, not secret
    return _Pool(source, problems, shuffled)


def _prefix(source: SourceParams, taken: set[str]) -> str:
    """A source's name in problem ids: folder and file (two `train.jsonl` are common), numbered where it is taken."""
    path = Path(source.path)
    parts = [path.name] if source.format in ("mgsm", "hub") else [path.parent.name, path.stem]
    name = "-".join(part for part in parts if part.strip("."))
    numbered = name
    number = 1
    while numbered in taken:
        number += 1
        numbered = f"{name}-{number}"
    return numbered
