"""What every format of outside data becomes before it is dealt out to the splits."""

from dataclasses import dataclass, replace

from components.contracts import PipelineError
from components.lang import languages
from components.problems.shown import decimal_mark


@dataclass(frozen=True, slots=True)
class SourceText:
    """One problem in one language."""

    question: str
    row: int
    """Row in its file, from 0 (of a CSV, its header not counted; of JSONL, blank lines counted)."""
    choices: tuple[str, ...] = ()
    solution: str | None = None
    """Worked, on one line, ending with the language's answer sentence."""
    translated_by: str | None = None


@dataclass(frozen=True, slots=True)
class SourceProblem:
    """One problem of a source in all languages that it has there."""

    key: str
    """Tells the source's problems apart."""
    family: str
    source: str
    """The file, folder or data set, as provenance names it."""
    texts: dict[str, SourceText]
    """By BCP-47 code; at least one."""
    answer: str | None
    """Canonical number, or a choice's letter; None where unknown."""
    num_steps: int | None = None

    @property
    def is_worked(self) -> bool:
        """Whether it can be a worked example, in English at least."""
        return self.answer is not None and "en" in self.worked.texts

    @property
    def worked(self) -> "SourceProblem":
        """The problem in the languages alone that it has a worked solution in."""
        return replace(self, texts={lang: text for lang, text in self.texts.items() if text.solution})


def at_row(path: object, row: int, message: str) -> PipelineError:
    """The error of one row, in the words that all sources use."""
    return PipelineError(f"{path}: row {row} (from 0): {message}")


def worked_solution(working: str, answer: str, lang: str) -> str | None:
    """A worked solution as prompts show it: one line that ends with the language's answer sentence, in its notation.

    None in a language that we have no such sentence for: a source may hold rows that no run asks.
    """
    row = languages().get(lang)
    if row is None:
        return None
    sentence = row.answer_sentence.format(answer=answer.replace(".", decimal_mark(lang)))
    parts = [part for part in map(str.strip, working.splitlines()) if part]
    line = row.sentence_gap.join(parts)
    return line if line.endswith(sentence) else row.sentence_gap.join([*parts, sentence])
