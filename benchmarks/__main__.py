"""`./dev bench [WORD]`: measure the rows whose module has WORD in its name, all without one."""

import importlib
import pkgutil
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

import benchmarks
from benchmarks import Row


def main(words: list[str]) -> None:
    """Print each row as soon as it is measured, and all of them as a table in the end."""
    console = Console()
    table = Table("what", "ours", "floor", "ours ÷ floor", "the floor is", title="medians on this machine, in one run")
    for row in _rows(words):
        console.print(f"{row.name}: {row.ratio:.2f} times {row.floor_name}", highlight=False)
        table.add_row(row.name, *row.amounts(), f"{row.ratio:.2f}", row.floor_name)
    console.print(table)


def _rows(words: list[str]) -> Iterator[Row]:
    for module in pkgutil.iter_modules(benchmarks.__path__):
        chosen = not words or any(word in module.name for word in words)
        if module.name != "__main__" and not module.ispkg and chosen:
            yield from importlib.import_module(f"benchmarks.{module.name}").rows()


if __name__ == "__main__":
    main(sys.argv[1:])
