"""The audit in a terminal: shares and margins, attack by language, readable in 120 columns."""

from collections.abc import Callable, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from components.attacks.audit import AuditResult, Cell
from components.progress import console, print_wide

LANGUAGES_PER_TABLE = 11

_MISSING = "–"


def print_audit(result: AuditResult) -> None:
    """Print the shares, then the margins, then what could not be built or scored."""
    for table in [*share_tables(result), *margin_tables(result)]:
        print_wide(table)
    for line in _missing_lines(result):
        console.print(line, markup=False)


def share_tables(result: AuditResult) -> list[Table]:
    """Per cent of pairs that the honest response wins (of kind `same`: equal pairs), 11 languages a table.

    The last column names the worst of the table's languages.
    """
    return _tables(
        result, "Honest response scores more, % of pairs (zero_width: exactly as much)", _share, _lowest_share
    )


def margin_tables(result: AuditResult) -> list[Table]:
    """Median of honest minus attack, in the reward's unit; the last column has the lowest of all pairs."""
    return _tables(result, "Median margin, honest - attack (worst: the lowest of any pair)", _median, _lowest_margin)


def _tables(
    result: AuditResult, title: str, show: Callable[[Cell], str], worst: Callable[[Sequence[Cell]], str]
) -> list[Table]:
    codes = result.languages
    parts = [codes[start : start + LANGUAGES_PER_TABLE] for start in range(0, len(codes), LANGUAGES_PER_TABLE)]
    return [_table(result, title, part, show, worst) for part in parts]


def _table(
    result: AuditResult,
    title: str,
    languages: Sequence[str],
    show: Callable[[Cell], str],
    worst: Callable[[Sequence[Cell]], str],
) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("attack", no_wrap=True)
    for lang in languages:
        table.add_column(lang, justify="right", no_wrap=True)
    table.add_column("worst", justify="right", no_wrap=True)
    kind = None
    for attack, by_lang in result.by_attack().items():
        cells = [by_lang[lang] for lang in languages]
        if kind not in (None, cells[0].kind):
            table.add_section()
        kind = cells[0].kind
        table.add_row(attack, *(show(cell) for cell in cells), worst(cells))
    return table


def _share(cell: Cell) -> str:
    return _MISSING if cell.share is None else f"{100 * cell.share:.1f}".removesuffix(".0")


def _lowest_share(cells: Sequence[Cell]) -> str:
    shares = [(cell.share, cell) for cell in cells if cell.share is not None]
    if not shares:
        return _MISSING
    lowest = min(shares, key=lambda pair: pair[0])[1]
    return f"{lowest.lang} {_share(lowest)}"


def _median(cell: Cell) -> str:
    return _MISSING if cell.median_margin is None else f"{cell.median_margin:+.2f}"


def _lowest_margin(cells: Sequence[Cell]) -> str:
    margins = [(cell.lowest_margin, cell.lang) for cell in cells if cell.lowest_margin is not None]
    if not margins:
        return _MISSING
    margin, lang = min(margins, key=lambda pair: pair[0])
    return f"{lang} {margin:+.2f}"


def _missing_lines(result: AuditResult) -> list[str]:
    """What is not in the shares, an attack a line."""
    lines = []
    for attack, by_lang in result.by_attack().items():
        reasons: dict[str, int] = {}
        for cell in by_lang.values():
            for reason, count in [*cell.not_built.items(), ("not scored", cell.num_unscored)]:
                reasons[reason] = reasons.get(reason, 0) + count
        told = [f"{count} × {reason}" for reason, count in reasons.items() if count]
        if told:
            lines.append(f"{attack} left out: {'; '.join(told)}")
    return lines
