"""Outside problems in every language that their split needs: those that a source lacks are translated from English."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from components.contracts import PipelineError, fingerprint
from components.contracts.records import Split
from components.journal import Journal
from components.lang import language
from components.problems.build import WORKED
from components.problems.deal import Dealt
from components.problems.sources import SourceProblem, SourceText
from components.problems.sources.problem import worked_solution
from components.progress import Progress
from components.translation import Translation, Translator, translate_checked
from components.translation.translator import REQUEST

PIECE = 64  # texts that are translated together


@dataclass
class Completed:
    """What became of the splits."""

    problems: dict[Split, list[Dealt]]
    dropped: dict[Split, Counter[str]] = field(default_factory=dict)
    """By split: problems (of `shots`: worked examples of a language) that no translation of use was made of, by
    language and reason."""
    untaught: list[str] = field(default_factory=list)
    """Languages that `shots` has no worked examples in."""


@dataclass(frozen=True)
class Completer:
    """Translates what is missing with the translator `name` (`none`: there is none; nothing may be missing)."""

    name: str
    load: Callable[[str], Translator]
    languages: Sequence[str]
    journal: Journal

    def complete(self, dealt: dict[Split, list[Dealt]]) -> Completed:
        """All splits in their languages. A problem that cannot be translated is dropped, of `shots` in that language.

        Raises:
            PipelineError: A language is missing and there is no translator, or nothing is left of a split.
        """
        for split, problems in dealt.items():
            self._check(split, problems)
        done = Completed(dict(dealt))
        to_translate = {split: missing for split in dealt if (missing := self._missing(split, dealt[split]))}
        if to_translate and self.name != "none":
            translator = self.load(self.name)
            for split, langs in to_translate.items():
                done.dropped[split] = Counter()
                for lang in langs:
                    self._add(translator, split, lang, done)
        shots = done.problems.get("shots", [])
        done.untaught = [x for x in self.languages if shots and not any(x in one.problem.texts for one in shots)]
        return done

    def _missing(self, split: Split, problems: Sequence[Dealt]) -> list[str]:
        """The languages that some of the split's problems lack; `pivot_shots` are in English alone."""
        needed = [] if split == "pivot_shots" else self.languages
        return [lang for lang in needed if any(lang not in one.problem.texts for one in problems)]

    def _check(self, split: Split, problems: Sequence[Dealt]) -> None:
        missing, source = self._missing(split, problems), problems[0].problem.source
        if "en" in missing:
            rows = [row for one in problems if (row := _row_without_english(one.problem)) is not None]
            raise PipelineError(
                f"{source}: row {rows[0]} (from 0) and {len(rows) - 1} more of `problems.sources.{split}` have no English "
                "question; add it (columns.id joins a problem's rows over languages)"
            )
        if missing and split != "shots" and self.name == "none":
            raise PipelineError(
                f"{source}: no {', '.join(missing)} for `problems.sources.{split}`; set `problems.translator` in "
                "params.yaml, or shorten `base.languages`"
            )

    def _add(self, translator: Translator, split: Split, lang: str, done: Completed) -> None:
        """Translate what a split lacks in one language."""
        todo = [one.problem for one in done.problems[split] if lang not in one.problem.texts]
        texts = [text for problem in todo for text in _texts(problem, split)]
        translations: list[Translation] = []
        with Progress(f"translating {split} to {lang}", len(texts)) as progress:
            for start in range(0, len(texts), PIECE):
                piece = texts[start : start + PIECE]
                translations += self._translate(translator, piece, lang)
                progress.advance(len(piece))
        made = iter(translations)
        kept: list[Dealt] = []
        for one in done.problems[split]:
            if lang in one.problem.texts:
                kept.append(one)
                continue
            parts = [next(made) for _ in _texts(one.problem, split)]
            reason = _why_not(one.problem, parts)
            if reason is None:
                kept.append(replace(one, problem=self._with(one.problem, lang, parts)))
                continue
            done.dropped[split][f"{lang}: {reason}"] += 1
            if split == "shots":
                kept.append(one)
        if not kept:
            raise PipelineError(
                f"params.yaml: `problems.translator` {self.name}: nothing is left of {split} after {lang} "
                f"({_told(done.dropped[split])}); try another translator"
            )
        done.problems[split] = kept

    def _translate(self, translator: Translator, texts: list[str], lang: str) -> list[Translation]:
        """Translated once: the journal's keys are the texts themselves, because DVC does not watch outside files.

        What failed is not kept: another request or another check may mend it.
        """
        keys = [f"{lang}/{fingerprint([REQUEST, text], [])}" for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self.journal}
        found = translate_checked(translator, list(missing.values()), lang) if missing else []
        new = dict(zip(missing, found, strict=True))
        for key, translation in new.items():
            if translation.text is not None:
                self.journal.append(key, [translation])
        return [new[key] if key in new else self.journal.read(key, Translation)[0] for key in keys]

    def _with(self, problem: SourceProblem, lang: str, parts: Sequence[Translation]) -> SourceProblem:
        """The problem with one language more."""
        question, *rest = [part.text or "" for part in parts]
        english = problem.texts["en"]
        choices, working = tuple(rest[: len(english.choices)]), rest[len(english.choices) :]
        solution = worked_solution(working[0], problem.answer or "", lang) if working else None
        text = SourceText(question, english.row, choices, solution, translated_by=self.name)
        return replace(problem, texts={**problem.texts, lang: text})


def _why_not(problem: SourceProblem, parts: Sequence[Translation]) -> str | None:
    """Why a problem's translated parts (question, choices, working) are of no use; None where they are."""
    failed = next((part.reason for part in parts if part.text is None), None)
    choices = [part.text for part in parts[1 : 1 + len(problem.texts["en"].choices)]]
    return failed or ("choices alike" if len(set(choices)) < len(choices) else None)


def told(dropped: dict[Split, Counter[str]]) -> list[str]:
    """A line for every split that lost something to its translation."""
    what = {"shots": "worked examples of a language"}
    return [
        f"{split}: left out {reasons.total()} {what.get(split, 'problems')} whose translation failed ({_told(reasons)})"
        for split, reasons in dropped.items()
        if reasons
    ]


def _told(reasons: Counter[str]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())


def _texts(problem: SourceProblem, split: Split) -> list[str]:
    """What has to be translated: question, choices, and of worked examples the working before the answer sentence."""
    english = problem.texts["en"]
    sentence = language("en").answer_sentence.format(answer=problem.answer)
    worked = [english.solution.removesuffix(sentence).rstrip()] if split in WORKED and english.solution else []
    return [english.question, *english.choices, *worked]


def _row_without_english(problem: SourceProblem) -> int | None:
    return None if "en" in problem.texts else next(iter(problem.texts.values())).row
