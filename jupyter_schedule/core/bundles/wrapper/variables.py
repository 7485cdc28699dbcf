"""The facts of its run that a notebook is told, as variables and as parameters."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from .failures import Refusal


def run_variables(environ: Mapping[str, str], config: Mapping[str, Any], root: Path, now: datetime) -> dict[str, str]:
    """The variables that tell the notebook about its run: as given, and the rest filled in for a run by hand.

    By hand the run is due now and processes the day before, as that day is in the schedule's zone.
    root: the absolute folder of the bundle.  Every value is text; times are `YYYY-MM-DDTHH:MM:SSZ`.
    Raises Refusal for a SCHEDULED_FOR written otherwise.
    """
    given = {name: value for name, value in environ.items() if value}
    due_text = given.get("SCHEDULED_FOR") or now.strftime("%Y-%m-%dT%H:%M:%SZ")
    zone = ZoneInfo(config["timezone"])
    try:
        due = datetime.strptime(due_text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        example = "2026-11-24T12:00:00Z"
        raise Refusal("variables", 65, f"SCHEDULED_FOR is {due_text!r}; write it like {example}.") from None
    day = due.astimezone(zone).date() - timedelta(days=1)
    midnight = datetime.combine(day, time_of_day(), tzinfo=zone).astimezone(UTC)
    folder = root / Path(config["notebook"]).parent
    defaults = {
        "RUN_ID": "by-hand",
        "SCHEDULED_FOR": due_text,
        "DATA_DATE": day.isoformat(),
        "DATA_INTERVAL_START": midnight.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "DATA_INTERVAL_END": due_text,
        "OUTPUT_DIR": str(folder / config["output_dir"]),
        "REPORT_DIR": str(root / "report"),
        "PUBLISHED_DATA_URL": "",
    }
    return {name: given.get(name, value) for name, value in defaults.items()}


def parameters(root: Path, config: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    """The injected values: the product's for names that the notebook declares, then the analyst's own."""
    path = root / ".wrapper" / "params.json"
    try:
        given = json.loads(path.read_text("utf-8")) if path.exists() else {}
    except ValueError as problem:
        raise Refusal("notebook", 65, f"params.json isn't JSON: {problem}") from None
    if not isinstance(given, dict):
        raise Refusal("notebook", 65, "params.json must be an object of names and values.")
    product = {name: variables[name.upper()] for name in config["product_parameters"] if name.upper() in variables}
    return {**product, **given}
