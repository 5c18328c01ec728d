"""MGSM: a folder with mgsm_<lang>.tsv (question, tab, answer), rows aligned over languages, and exemplars.json.

Shi et al. 2022, https://github.com/google-research/url-nlp.
"""

import re
from pathlib import Path

from components.answers import read_answer
from components.answers.verdict import canonical_gold
from components.contracts import PipelineError
from components.lang import language, languages
from components.params import SourceParams
from components.problems.sources.lines import parse_json, read_text
from components.problems.sources.problem import SourceProblem, SourceText, at_row

EXEMPLARS = "exemplars.json"
_LABEL = re.compile(r"^[^:：\d]{1,40}[:：]\s*")  # `Question:`, `Step-by-Step Answer:` in any language


def read_mgsm(params: SourceParams) -> list[SourceProblem]:
    """The folder's test problems in all its languages.

    Raises:
        PipelineError: mgsm_en.tsv is missing, a row is no question and answer, or another language's file has other
            rows or answers than the English one.
    """
    folder = Path(params.path)
    paths = {path.stem.removeprefix("mgsm_"): path for path in sorted(folder.glob("mgsm_*.tsv"))}
    if "en" not in paths:
        raise PipelineError(f"{folder}: no mgsm_en.tsv here; name the folder of MGSM's files")
    files = {lang: read_tsv(path) for lang, path in paths.items()}
    for lang, rows in files.items():
        _check_aligned(paths[lang], rows, files["en"])
    return [
        SourceProblem(
            key=f"{row:04d}",
            family="mgsm",
            source=params.path,
            texts={lang: SourceText(rows[row][0], row) for lang, rows in files.items()},
            answer=answer,
        )
        for row, (_, answer) in enumerate(files["en"])
    ]


def read_exemplars(params: SourceParams) -> list[SourceProblem]:
    """The folder's worked examples in the languages we know, without the labels in front of question and answer.

    Raises:
        PipelineError: exemplars.json is missing or has another form, or an example's final answer is not readable, or
            is another one than the English example's.
    """
    path = Path(params.path) / EXEMPLARS
    try:
        by_lang: dict[str, dict[str, dict[str, str]]] = parse_json(read_text(path))
        return [_exemplar(path, name, row, by_lang) for row, name in enumerate(by_lang["en"])]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        form = '{"en": {"1": {"q": ..., "a": ...}, ...}, ...}'
        raise PipelineError(f"{path}: not of the form {form} ({' '.join(repr(error).split())})") from None


def read_tsv(path: Path) -> list[tuple[str, str]]:
    """Questions and canonical answers of one language's file.

    Raises:
        PipelineError: A row is no question and answer.
    """
    rows = []
    for row, line in enumerate(read_text(path).removesuffix("\n").split("\n")):
        question, tab, final = line.rstrip("\r").rpartition("\t")
        if not tab or not question.strip():
            raise at_row(path, row, "needs a question, a tab and an answer")
        try:
            rows.append((question.strip(), canonical_gold(final)))
        except ValueError as error:
            raise at_row(path, row, f"answer {error}") from None
    return rows


def _check_aligned(path: Path, rows: list[tuple[str, str]], english: list[tuple[str, str]]) -> None:
    for row, ((_, answer), (_, expected)) in enumerate(zip(rows, english, strict=False)):
        if answer != expected:
            raise at_row(path, row, f"answer {answer}, but {expected} in mgsm_en.tsv; rows must be aligned")
    if len(rows) != len(english):
        raise at_row(path, min(len(rows), len(english)), f"{len(rows)} rows, but mgsm_en.tsv has {len(english)}")


def _exemplar(path: Path, name: str, row: int, by_lang: dict[str, dict[str, dict[str, str]]]) -> SourceProblem:
    answer: str | None = None
    texts = {}
    for lang in ["en", *(lang for lang in languages() if lang != "en" and name in by_lang.get(lang, {}))]:
        question, worked = (_plain(by_lang[lang][name][field], lang) for field in ("q", "a"))
        final = read_answer(worked, lang)
        answer = answer or final.value
        if final.path not in ("phrase", "boxed") or final.value is None or final.value != answer:
            raise PipelineError(f"{path}: exemplar {name} in `{lang}` has no readable final answer {answer or ''}")
        texts[lang] = SourceText(question, row, solution=worked)
    return SourceProblem(key=f"exemplar-{name}", family="mgsm", source=str(path), texts=texts, answer=answer)


def _plain(text: str, lang: str) -> str:
    """Without the label, on one line, beginning with a capital (Russian goes on in small letters after a label)."""
    bare = _LABEL.sub("", text.strip())
    line = re.sub(r"\s*\n\s*", language(lang).sentence_gap, bare)
    return line[:1].upper() + line[1:]
