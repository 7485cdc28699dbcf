"""Two lanes of tests: the everyday one, which every change passes, and the proof, which has all the rest.

A test with `@pytest.mark.proof("faults")` is left out unless that part of the proof is asked for; together the lanes
are every test that there is.  `@pytest.mark.promise("P7")` names what a test is a witness of.
"""

from collections.abc import Sequence
from typing import Any

import pytest

#: the parts that the proof has, each for an hour of its own
PARTS = ("simulation", "faults", "machines", "browsers")
ALL = "all"


def add_option(parser: pytest.Parser) -> None:
    """`--proof` runs both lanes, `--proof faults` one part of the proof and nothing else."""
    parser.addoption(
        "--proof",
        nargs="?",
        const=ALL,
        choices=(*PARTS, ALL),
        help="the tests of one part of the proof; without a part, every test",
    )


def part_of(item: pytest.Item) -> str | None:
    """The part of the proof that a test belongs to; None in the everyday lane."""
    mark = item.get_closest_marker("proof")
    if mark is None:
        return None
    [part] = mark.args
    if part not in PARTS:
        raise pytest.UsageError(f"{item.nodeid}: the proof has no part {part!r}, it has {', '.join(PARTS)}")
    return str(part)


def promises_of(item: pytest.Item) -> set[str]:
    """The promises that a test is a witness of."""
    return {str(promise) for mark in item.iter_markers("promise") for promise in mark.args}


class Lanes:
    """Chooses the tests of the lane that was asked for, and says in the end how many it left out."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._left_out = 0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        asked: str | None = self._config.option.proof
        parts = [part_of(item) for item in items]
        chosen = [asked in (ALL, part) for part in parts]
        left_out = [item for item, choose in zip(items, chosen, strict=True) if not choose]
        self._left_out = sum(part_of(item) is not None for item in left_out)
        if left_out:
            self._config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item, choose in zip(items, chosen, strict=True) if choose]

    def pytest_sessionfinish(self) -> None:
        if told := getattr(self._config, "workeroutput", None):
            told["left_out"] = self._left_out

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Every worker chose among the same tests."""
        self._left_out = getattr(node, "workeroutput", {}).get("left_out", self._left_out)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._left_out and self._config.option.proof is None:
            terminalreporter.write_line(f"left to ./dev test --proof: {counted(self._left_out)}")


#: what the tests of a kind need that not every machine has; packages are those of Debian and Ubuntu
NEEDS = {
    "browser": "apt install chromium",
    "bare_machine": "apt install mmdebstrap systemd-container iproute2",
    "bare": "apt install mmdebstrap",
    "r": "apt install r-base-core r-cran-irkernel",
    "s3": "needs Linux on x86-64",
}


class Skips:
    """Says in the end what was skipped, and what would run it."""

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in skipped_lines(terminalreporter.stats.get("skipped", [])):
            terminalreporter.write_line(line)


def skipped_lines(reports: Sequence[Any]) -> list[str]:
    """A line for each kind of test that was skipped; a test of no kind is told with its reason."""
    counts: dict[str, int] = {}
    for report in reports:
        reason = report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else ""
        kind = next((kind for kind in NEEDS if kind in report.keywords), None)
        what = f"{kind} {{}} ({NEEDS[kind]})" if kind else f"{{}} ({reason})"
        counts[what] = counts.get(what, 0) + 1
    return [f"skipped: {what.format(counted(count))}" for what, count in counts.items()]


def counted(count: int) -> str:
    """The number of tests in words."""
    return f"{count} test" if count == 1 else f"{count} tests"
