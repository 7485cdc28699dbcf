"""`python -m scheduler_service prices`: what the sizes cost, and a newer table from Amazon."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from boto3.session import Session
from botocore.exceptions import BotoCoreError, ClientError

from jupyter_schedule.core.errors import Refused
from scheduler_service.launchers.ec2.prices import fetch_prices, fill_disk_prices, load_prices, save_prices
from scheduler_service.settings import Settings

#: where Amazon answers for prices of all regions
PRICING_REGION = "us-east-1"


def format_prices(settings: Settings) -> Iterator[str]:
    """The size, its hardware and the most that an hour of it costs, a line each; then the table's day."""
    ec2, table = settings.machines, load_prices(settings.places.folder)
    for name, size in ec2.sizes.items():
        hourly = table.dearest(size, ec2.regions)
        cost = "no price known: run prices --refresh" if hourly is None else f"${hourly.normalize():f} an hour at most"
        yield f"{name}: {size.hardware}, {cost}"
    yield f"Prices of {table.at}."


def size_prices(settings: Settings) -> dict[str, Any]:
    """The same for programs; the dollars of a size whose price isn't known are None."""
    ec2, table = settings.machines, load_prices(settings.places.folder)
    dearest = {name: table.dearest(size, ec2.regions) for name, size in ec2.sizes.items()}
    sizes = [
        {"size": name, "hardware": size.hardware, "hourly": None if (hourly := dearest[name]) is None else str(hourly)}
        for name, size in ec2.sizes.items()
    ]
    return {"prices_of": str(table.at), "sizes": sizes}


def refresh_prices(settings: Settings, today: date) -> Iterator[str]:
    """Write today's prices of the settings' machines into the folder; what was and wasn't had.  Raises Refused."""
    ec2 = settings.machines
    try:
        table = fetch_prices(Session().client("pricing", region_name=PRICING_REGION), ec2, today)
    except (BotoCoreError, ClientError) as problem:
        raise Refused("no_prices", f"Amazon's price list can't be asked: {problem}") from None
    table, said = fill_disk_prices(table, load_prices(settings.places.folder))
    yield from said
    yield f"Written to {save_prices(table, settings.places.folder)}: restart the service to use it."
