"""Tables for people: coloured on a terminal unless NO_COLOR is set, and never cut when they go into a pipe."""

import sys
from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from jupyter_schedule.cli.words import plain

#: wide enough for any row: what reads a pipe has no edge
_PIPE = 100_000
#: a text, or a text and its colour
Cell = str | tuple[str, str]


def echo_table(
    headers: Sequence[str], rows: Sequence[Sequence[Cell]], *, right: Sequence[int] = (), fold: bool = True
) -> None:
    """Print rows under headers; without headers, indented.

    right: the columns of numbers.  fold: fit a terminal by folding cells; else its lines run over, and an address in
    them can still be clicked and copied.
    """
    table = Table(box=None, pad_edge=not any(headers), padding=(0, 2), show_header=any(headers), header_style="bold")
    for number, header in enumerate(headers):
        table.add_column(header, justify="right" if number in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(_text, row))
    # made for each table: standard output may be another one now
    console = Console(width=None if fold and sys.stdout.isatty() else _PIPE)
    with console.capture() as captured:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _text(cell: Cell) -> Text:
    text, style = cell if isinstance(cell, tuple) else (cell, "")
    return Text(plain(text), style=style)
