"""The options that bound a schedule's runs, and say what happens after failures."""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import wraps
from typing import Any

import click

from jupyter_schedule.cli.timing import moment
from jupyter_schedule.core.models import LauncherCatalog, Policies, Spec, Timing


class DollarType(click.ParamType[Decimal]):
    """An amount of money such as 20 or 12.50."""

    name = "dollars"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        text = str(value).removeprefix("$")
        if not re.fullmatch(r"\d{1,7}(\.\d{1,2})?", text) or not 0 < Decimal(text) <= 1_000_000:
            self.fail("write dollars such as 20 or 12.50", param, ctx)
        return Decimal(text)


#: takes back what was set
NONE = "none"


class OrNone(click.ParamType[Any]):
    """A value of another type, or `none`."""

    def __init__(self, kind: click.ParamType[Any]) -> None:
        self.kind = kind
        self.name = kind.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return NONE if value == NONE else self.kind.convert(value, param, ctx)


CAP_OPTION = click.option(
    "--monthly-cap",
    type=OrNone(DollarType()),
    metavar="DOLLARS",
    help="Pause it when its runs of a month have cost so much.",
)
KEEP_OPTIONS = {
    "keep_runs": click.option(
        "--keep-runs",
        type=OrNone(click.IntRange(1, 10_000)),
        metavar="N",
        help="Keep the files of so many last runs, …",
    ),
    "keep_days": click.option(
        "--keep-days", type=OrNone(click.IntRange(0, 3650)), metavar="N", help="… and of every run for so many days."
    ),
}
_OPTIONS = (
    click.option("--start", metavar="TIME", help="Never due before it: 2026-12-24T06:00, in the zone of --timezone."),
    click.option("--end", metavar="TIME", help="Never due after it."),
    click.option("--max-runs", type=click.IntRange(1, 10_000), metavar="N", help="Due so many times in all."),
    click.option(
        "--retries", type=click.IntRange(0, 10), metavar="N", default=0, help="Further attempts when the code fails."
    ),
    click.option(
        "--retry-wait",
        type=click.IntRange(0, 1440),
        metavar="MINUTES",
        default=5,
        show_default=True,
        help="Before the first of them; twice as long before each that follows.",
    ),
    click.option(
        "--start-deadline",
        type=click.IntRange(1, 10_080),
        metavar="MINUTES",
        help="Skip a run that can't start so soon after its time.",
    ),
    click.option(
        "--pause-after",
        type=click.IntRange(1, 100),
        metavar="N",
        help="Pause it after so many runs by the clock failed in a row.",
    ),
    *KEEP_OPTIONS.values(),
    CAP_OPTION,
)


def policy_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options, and its function the `policies` that they mean; it has a `timing`, too."""

    @wraps(function)
    def with_policies(*, timing: Timing, start: str | None, end: str | None, **others: Any) -> Any:
        given = {name: others.pop(name) for name in Policies.model_fields if name in others}
        limits = {name: None if value == NONE else value for name, value in given.items()}
        bounds: dict[str, Any] = {
            name: moment(text, timing.timezone, name).once
            for name, text in (("start", start), ("end", end))
            if text is not None
        }
        return function(timing=timing, policies=Policies.model_validate(bounds | limits), **others)

    for option in reversed(_OPTIONS):
        with_policies = option(with_policies)
    return with_policies


def cap_remark(spec: Spec, offers: LauncherCatalog) -> str | None:
    """That a monthly cap has nothing to count where runs cost nothing; None where it has, or there is none."""
    if spec.policies.monthly_cap is None or offers.is_paid(spec.launcher):
        return None
    return "The monthly cap counts nothing here: runs on this computer cost nothing."


def kept_text(policies: Policies) -> str:
    """`files of the last 5 runs, and of every run for 30 days`."""
    runs, days = policies.keep_runs, policies.keep_days
    if runs is None and days is None:
        return "files of runs for as long as the service says"
    last = "of as many last runs as the service says" if runs is None else f"of the last {_counted(runs, 'run')}"
    age = "for as long as the service says" if days is None else f"for {_counted(days, 'day')}"
    return f"files {last}, and of every run {age}"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
