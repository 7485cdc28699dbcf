"""The options that bound a schedule's runs, and say what happens after failures."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from jupyter_schedule.cli.timing import moment
from jupyter_schedule.core.models import Policies, Timing

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
        "--pause-after", type=click.IntRange(1, 100), metavar="N", help="Pause it after so many failures in a row."
    ),
)


def policy_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options, and its function the `policies` that they mean; it has a `timing`, too."""

    @wraps(function)
    def with_policies(*, timing: Timing, start: str | None, end: str | None, **others: Any) -> Any:
        limits = {name: others.pop(name) for name in Policies.model_fields if name in others}
        bounds: dict[str, Any] = {
            name: moment(text, timing.timezone, name).once
            for name, text in (("start", start), ("end", end))
            if text is not None
        }
        return function(timing=timing, policies=Policies(**bounds, **limits), **others)

    for option in reversed(_OPTIONS):
        with_policies = option(with_policies)
    return with_policies
