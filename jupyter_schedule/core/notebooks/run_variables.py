"""The variables that a notebook reads from its environment, against those that a run has."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from jupyter_schedule.core.notebooks.notebook import printable
from jupyter_schedule.core.notebooks.path_uses import PathAction
from jupyter_schedule.core.notebooks.used_files import CodeSource, FindingLevel, PreflightFinding
from jupyter_schedule.core.run_environment import ALLOWED, is_harmless

#: what every run is told about itself, by the wrapper, the agent and the service
TOLD = frozenset({
    "RUN_ID", "SCHEDULED_FOR", "DATA_DATE", "DATA_INTERVAL_START", "DATA_INTERVAL_END", "OUTPUT_DIR", "PREVIOUS_DIR",
    "REPORT_DIR", "PUBLISHED_DATA_URL", "JPY_SESSION_NAME",
})  # fmt: skip
#: and what no program misses
COMMON = TOLD | {
    *("JPY_PARENT_PID", "PYTHONPATH", "VIRTUAL_ENV", "EDITOR", "HOSTNAME", "PWD", "SHLVL", "TERM"),
}
_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=", re.MULTILINE)
#: bytes of a file with variables that are read
_MOST = 1_000_000


def find_variable_findings(
    sources: Sequence[CodeSource], passed: Iterable[str], named: Sequence[Path]
) -> Iterator[PreflightFinding]:
    """One for each variable that is read without a default and that no run has, by where it is read first.

    passed: names that the analyst passes to the run.  named: files that go along, of which a `.env` says more.
    """
    known = {*passed, *(name for path in named if path.name.startswith(".env") for name in _names_in(path))}
    for source in sources:
        for use in source.uses:
            if use.how is not PathAction.VARIABLE or use.text in known or is_common(use.text):
                continue
            known.add(use.text)
            name = printable(use.text)
            yield PreflightFinding(
                level=FindingLevel.WARNING,
                code="variable",
                message=f"{name} ({source.where}) is read from the environment, and a run doesn't have it.",
                cell=source.cell,
                fix=f"Pass {name} to the run by its name, or give the code a default.",
            )


def is_common(name: str) -> bool:
    """True of a variable that runs have by themselves."""
    return name.upper() in COMMON | ALLOWED or is_harmless(name.upper(), "")


def _names_in(path: Path) -> list[str]:
    """The names of the variables in such a file; never what they hold."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return _LINE.findall(file.read(_MOST))
    except OSError:
        return []
