"""A report as Markdown (GitHub's kind). Drawings are left to the page; words and numbers stand in their place."""

import re
from collections.abc import Sequence
from typing import assert_never

from components.report.document import Block, Bullets, Figure, Sample, Samples, Section, Table, Text, shown


def markdown(title: str, sections: Sequence[Section]) -> str:
    """The whole text; strings of the report cannot act as markup."""
    parts = [f"# {_escape(title)}"]
    for section in sections:
        parts += [f"## {_escape(section.title)}", *(_block(block) for block in section.blocks)]
    return "\n\n".join(parts) + "\n"


def _block(block: Block) -> str:
    match block:
        case Text():
            return f"**{_escape(block.text)}**" if block.strong else _escape(block.text)
        case Bullets():
            return "\n".join(f"- {_escape(item)}" for item in block.items)
        case Table():
            return _table(block)
        case Figure():
            return _figure(block)
        case Samples():
            return _samples(block)
        case _:
            assert_never(block)


def _figure(figure: Figure) -> str:
    told = f"*{_escape(figure.description)} Drawn in report.html.*"
    return f"{told}\n\n{_table(figure.numbers)}" if figure.numbers else told


def _table(table: Table) -> str:
    lines = [_row(table.header), _row(["---", *["---:"] * (len(table.header) - 1)], plain=True)]
    for group in table.groups:
        if group.title:
            lines.append(_row([f"**{_escape(group.title)}**", *[""] * (len(table.header) - 1)], plain=True))
        lines += [_row(row) for row in (*group.rows, *group.totals)]
    return "\n".join(lines)


def _row(cells: Sequence[str], plain: bool = False) -> str:
    return "| " + " | ".join(cell if plain else _escape(cell) for cell in cells) + " |"


def _samples(samples: Samples) -> str:
    told = _escape(f"{samples.chosen} report.html has all {len(samples.every)}.".strip())
    return "\n\n".join([told, *map(_sample, samples.excerpt)])


def _sample(sample: Sample) -> str:
    parts = [f"### {_escape(sample.title)}", _fenced(sample.question), f"Gold answer: **{_escape(sample.gold)}**"]
    for answer in sample.answers:
        parts += [_escape(f"{answer.who}: {answer.told}"), _fenced(answer.response)]
    return "\n\n".join(parts)


def _fenced(text: str) -> str:
    """A code block whose fence is longer than any run of backticks in `text`, so that nothing in it can end it."""
    clean = shown(text)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", clean)), default=0))
    return f"{fence}text\n{clean}\n{fence}"


def _escape(text: str) -> str:
    return re.sub(r"[\\`*_<>|#~&]|\](?=[(\[])", r"\\\g<0>", " ".join(text.split()))
