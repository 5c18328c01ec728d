"""Compare our verdicts on the golden rows with those of lm-evaluation-harness's and math-verify's rules.

Run by `make peers`, which fetches the harness's files, or alone: python -m bench.peers FOLDER, where FOLDER holds an
unpacked lm_eval package. Its rules are read from its own task files: for numbers MGSM's native chain of thought
(strict and flexible; English where the language has no such task), for letters MMLU-ProX's (English likewise), scored
as the tasks say: equal after punctuation is deleted and case ignored. math-verify is asked as its README does.
Writes docs/verifier_peers.md.
"""

import json
import re
import string
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from math_verify import parse
from math_verify import verify as math_verify
from math_verify.parser import ExprExtractionConfig, LatexExtractionConfig, StringExtractionConfig

from components.answers import verify
from components.contracts import write_text
from components.lang.table import nearest_language

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "verifier_peers.md"
NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
Row = dict[str, Any]
Judge = Callable[[Row], bool]


class HarnessLoader(yaml.SafeLoader):
    """Reads the harness's task files, whose `!function` tags name code that is not needed here."""


HarnessLoader.add_constructor("!function", lambda *_: None)


def rows() -> dict[str, list[Row]]:
    """Golden rows by file."""
    files = sorted((ROOT / "tests" / "answers" / "golden").glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in files}


def harness(tasks: Path, name: str) -> Judge:
    """The harness's judge for numbers (filter `name` of MGSM) and letters."""

    def judge(row: Row) -> bool:
        lang = row["lang"].split("-")[0]
        if row["gold"].isalpha():
            found = filtered(task(tasks / "mmlu_prox", "{0}/_{0}_template_yaml", lang), None, row["text"])
        else:
            found = filtered(task(tasks / "mgsm" / "native_cot", "mgsm_native_cot_{0}.yaml", lang), name, row["text"])
        return plain(found) == plain(row["gold"])

    return judge


def task(folder: Path, pattern: str, lang: str) -> Row:
    """A task's settings, the English ones where the language has none."""
    path = next(path for code in (lang, "en") if (path := folder / pattern.format(code)).exists())
    settings: Row = yaml.load(path.read_text(encoding="utf-8"), HarnessLoader)  # noqa: S506 - a SafeLoader
    return settings


def filtered(settings: Row, name: str | None, text: str) -> str:
    """What the task's regular expression takes out of the text: by default the first match, its first group."""
    rule = next(each for each in settings["filter_list"] if name in (None, each["name"]))["filter"][0]
    found = re.findall(rule["regex_pattern"], text)
    if not found:
        return "[invalid]"
    chosen = found[rule.get("group_select", 0)]
    return chosen if isinstance(chosen, str) else next((group for group in chosen if group), "")


def plain(text: str) -> str:
    """As the harness compares: without punctuation, in one case."""
    return text.translate(NO_PUNCTUATION).lower().strip()


def by_math_verify(row: Row) -> bool:
    """math-verify with its default extraction; with letters as strings where a letter is asked for."""
    if row["gold"].isalpha():
        letters = [StringExtractionConfig(strings=tuple("ABCDEFGHIJ"))]
        return bool(math_verify(parse(row["gold"], letters), parse(row["text"], letters)))
    either = [LatexExtractionConfig(), ExprExtractionConfig()]
    return bool(math_verify(parse(f"${row['gold']}$", either), parse(row["text"], either)))


def ours(row: Row) -> bool:
    """This project's verdict."""
    return verify(row["text"], row["gold"], row["lang"], row.get("choices", ())).correct is True


def cell(judge: Judge, asked: Iterable[Row]) -> tuple[int, int]:
    """Right answers credited, and wrong ones."""
    credited = [row for row in asked if judge(row)]
    return sum(row["correct"] for row in credited), sum(not row["correct"] for row in credited)


def main() -> None:
    """Write the page."""
    package = Path(sys.argv[1])
    judges = {
        "ours": ours,
        "lm-eval strict": harness(package / "tasks", "strict-match"),
        "lm-eval flexible": harness(package / "tasks", "flexible-extract"),
        "math-verify": by_math_verify,
    }
    release = next(package.parent.glob("lm_eval-*.dist-info")).name.removesuffix(".dist-info")
    lines = [f"| language | right | wrong | {' | '.join(judges)} |", f"| --- | --- | --- |{' --- |' * len(judges)}"]
    totals: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    num_right = num_wrong = 0
    for name, asked in rows().items():
        right = sum(row["correct"] for row in asked)
        num_right, num_wrong = num_right + right, num_wrong + len(asked) - right
        cells = []
        for who, judge in judges.items():
            credited, false = cell(judge, asked)
            totals[who] = [totals[who][0] + credited, totals[who][1] + false]
            cells.append(f"{credited} / {false}")
        language = nearest_language(name)
        lines.append(line(language.name if language else name, right, len(asked) - right, cells))
    lines.append(
        line("**all**", num_right, num_wrong, [f"**{credited} / {false}**" for credited, false in totals.values()])
    )
    write_text(PAGE, head(release) + "\n".join(lines) + "\n")
    print("\n".join([lines[0], lines[-1], f"written: {PAGE}"]))


def line(name: str, num_right: int, num_wrong: int, cells: Iterable[str]) -> str:
    """A row of the table."""
    return f"| {name} | {num_right} | {num_wrong} | {' | '.join(cells)} |"


def head(release: str) -> str:
    """What the page says before the table."""
    return f"""# The same answers under three rules

Made by `make peers` ({release.replace("_", "-")}, math-verify {version("math-verify")}) from the golden rows in
`tests/answers/golden/`. Each cell: right answers credited / wrong answers credited. The rows were written from our
rules, and a test holds us to them, so our column says nothing; the others' say what their rules lose, and credit by
mistake.

lm-eval's are MGSM's native chain-of-thought filters (for letters MMLU-ProX's), and English ones where a language has
none. They delete all punctuation before they compare, so that 125 is credited for 12.5. math-verify reads English
anchors and separators.

"""


if __name__ == "__main__":
    main()
