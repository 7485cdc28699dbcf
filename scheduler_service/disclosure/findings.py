"""Collect what was found in one file so far: the same again is counted, so that a million rows are one finding."""

from dataclasses import dataclass, field

from jupyter_schedule.core.models import DisclosureFinding, FindingKind
from jupyter_schedule.core.text import quoted

#: findings of one file that are kept apart
MOST = 50
#: what the rest of the sentence is, of several
_AGAIN = {FindingKind.SMALL_CELL: "cells in all"}


@dataclass
class FindingCollector:
    """The findings of the file at `path`."""

    path: str
    _known: dict[tuple[object, ...], DisclosureFinding] = field(default_factory=dict)

    def add(
        self,
        kind: FindingKind,
        what: str,
        *,
        line: int | None = None,
        row: int | None = None,
        column: int | None = None,
        name: str = "",
        cell: int | None = None,
        count: int = 1,
        part: str = "",
    ) -> None:
        """Note `what`, a phrase such as `an e-mail address`.

        name: of the column, and only where it is one of the known words: else it could be what was found.
        part: of the file, such as `data of a script`.
        """
        key = (kind, what, column, cell)
        known = self._known.get(key)
        if known is not None:
            self._known[key] = known.model_copy(update={"count": known.count + count})
        elif len(self._known) < MOST:
            named = f" ({quoted(name)})" if name else ""
            places = (
                part,
                f"cell {cell}" if cell is not None else "",
                f"column {column}{named}" if column is not None else "",
                f"line {line}" if line is not None else "",
                f"row {row}" if row is not None else "",
            )
            where = ", ".join((quoted(self.path), *filter(None, places)))
            self._known[key] = DisclosureFinding(
                path=self.path,
                kind=kind,
                message=f"{where}: {what}",
                line=line,
                row=row,
                column=column,
                cell=cell,
                count=count,
            )

    @property
    def findings(self) -> tuple[DisclosureFinding, ...]:
        """Return what was found, each with a whole sentence."""
        return tuple(_told(finding) for finding in self._known.values())


def _told(finding: DisclosureFinding) -> DisclosureFinding:
    again = f"; {finding.count:,} {_AGAIN.get(finding.kind, 'times in all')}" if finding.count > 1 else ""
    return finding.model_copy(update={"message": f"{finding.message}{again}."})
