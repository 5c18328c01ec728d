"""A report as one HTML page that needs nothing else: no script, no link, drawings and style inside."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import assert_never

from components.report.document import Answer, Block, Bullets, Figure, RowGroup, Sample, Section, Table, Text, shown

PAGE = Path(__file__).with_name("page.html")


def html_page(title: str, sections: Sequence[Section]) -> str:
    """The whole page; every string of the report is escaped."""
    body = "\n".join(_section(section) for section in sections)
    return Template(PAGE.read_text(encoding="utf-8")).substitute(title=escape(title), body=body)


def _section(section: Section) -> str:
    blocks = "\n".join(_block(block) for block in section.blocks)
    return f"<section>\n<h2>{escape(section.title)}</h2>\n{blocks}\n</section>"


def _block(block: Block) -> str:
    match block:
        case Text():
            return f'<p class="strong">{escape(block.text)}</p>' if block.strong else f"<p>{escape(block.text)}</p>"
        case Bullets():
            return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in block.items) + "</ul>"
        case Table():
            return _table(block)
        case Figure():
            return _figure(block)
        case Sample():
            return _sample(block)
        case _:
            assert_never(block)


def _figure(figure: Figure) -> str:
    numbers = f"<details><summary>As a table</summary>{_table(figure.numbers)}</details>" if figure.numbers else ""
    return f"<figure>{figure.svg}<figcaption>{escape(figure.description)}</figcaption>{numbers}</figure>"


def _table(table: Table) -> str:
    header = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.header)
    groups = "".join(_group(group, len(table.header)) for group in table.groups)
    return f'<div class="wide"><table><thead><tr>{header}</tr></thead>{groups}</table></div>'


def _group(group: RowGroup, width: int) -> str:
    title = f'<tr><th class="group" colspan="{width}">{escape(group.title)}</th></tr>' if group.title else ""
    return f"<tbody>{title}{''.join(_row(row) for row in group.rows)}</tbody>"


def _row(row: Sequence[str]) -> str:
    name, *cells = (escape(cell) for cell in row)
    return f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'


def _sample(sample: Sample) -> str:
    lang = escape(sample.lang)
    answers = "".join(_answer(answer, lang) for answer in sample.answers)
    return (
        f"<article><h3>{escape(sample.title)}</h3>"
        f'<p class="question" lang="{lang}" dir="auto">{escape(shown(sample.question))}</p>'
        f"<p>Gold answer: <strong>{escape(sample.gold)}</strong></p>{answers}</article>"
    )


def _answer(answer: Answer, lang: str) -> str:
    who = f'<p class="who">{escape(answer.who)}: {escape(answer.verdict)}</p>'
    return f'{who}<pre lang="{lang}" dir="auto">{escape(shown(answer.response))}</pre>'
