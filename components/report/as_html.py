"""A report as one HTML page that needs nothing else: drawings, style and script are inside, nothing is fetched.

The script (page.html) sorts tables and shows the samples; all else can be read without it.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import assert_never

from components.report.document import Block, Bullets, Figure, RowGroup, Samples, Section, Table, Text
from components.report.searchable import searchable

PAGE = Path(__file__).with_name("page.html")
LONGEST_FIGURES = 40
"""Characters of a cell from which on it is taken for a sentence, which may break into lines."""


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
        case Samples():
            return searchable(block)
        case _:
            assert_never(block)


def _figure(figure: Figure) -> str:
    numbers = f"<details><summary>As a table</summary>{_table(figure.numbers)}</details>" if figure.numbers else ""
    drawing = f'<div class="wide">{figure.svg}</div>'
    return f"<figure>{drawing}<figcaption>{escape(figure.description)}</figcaption>{numbers}</figure>"


def _table(table: Table) -> str:
    header = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.header)
    groups = "".join(_group(group, len(table.header)) for group in table.groups)
    return f'<div class="wide"><table><thead><tr>{header}</tr></thead>{groups}</table></div>'


def _group(group: RowGroup, width: int) -> str:
    name = f'<th class="group" scope="rowgroup" colspan="{width}">{escape(group.title)}</th>'
    title = f'<tr class="group">{name}</tr>' if group.title else ""
    rows = [_row(row, "<tr>") for row in group.rows] + [_row(row, '<tr class="total">') for row in group.totals]
    return f"<tbody>{title}{''.join(rows)}</tbody>"


def _row(row: Sequence[str], start: str) -> str:
    name, *cells = row
    return f'{start}<th scope="row">{escape(name)}</th>{"".join(map(_cell, cells))}</tr>'


def _cell(cell: str) -> str:
    kind = ' class="words"' if len(cell) > LONGEST_FIGURES else ""
    return f"<td{kind}>{escape(cell)}</td>"
