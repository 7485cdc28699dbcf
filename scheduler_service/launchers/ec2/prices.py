"""Price an hour of a machine: a dated table that is shipped, or a newer one that an operator had made.

Spot machines are counted at the full price: what they cost less isn't known before.
"""

import json
import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from jupyter_schedule.core.errors import Refused
from scheduler_service.launchers.ec2.settings import Ec2Settings, Region, Setting, Size

SHIPPED = Path(__file__).with_name("prices.toml")
#: the newer table, in the folder with the ledger
REFRESHED = "prices.toml"
#: a disk's month, as Amazon divides it
HOURS_IN_A_MONTH = 730
_TENTH_OF_A_MILLIONTH = Decimal("0.0000001")


class RegionPrices(Setting):
    """Of one region."""

    #: dollars a GiB and month of a gp3 disk; None when nobody knows, and then no machine's price is known either
    disk: Decimal | None = Field(default=None, ge=0)
    #: dollars an hour of a public IPv4 address: Amazon's price in every region since February 2024
    ipv4: Decimal = Field(default=Decimal("0.005"), ge=0)
    #: dollars an hour, by instance type
    types: dict[str, Decimal]


class Prices(Setting):
    """A table of a day."""

    at: date
    regions: dict[str, RegionPrices]

    def hourly(self, region: str, instance_type: str, disk: int, *, has_address: bool = False) -> Decimal | None:
        """Dollars for an hour of a machine with so many GiB of disk, and a public IPv4 address where it has one.

        None when the table hasn't its price.
        """
        known = self.regions.get(region)
        if known is None or known.disk is None or instance_type not in known.types:
            return None
        address = known.ipv4 if has_address else Decimal()
        hour = known.types[instance_type] + known.disk * disk / HOURS_IN_A_MONTH + address
        return hour.quantize(_TENTH_OF_A_MILLIONTH)

    def dearest(self, size: Size, regions: Mapping[str, Region]) -> Decimal | None:
        """The most that an hour of that size can cost there; None when one of its prices isn't known."""
        prices = [
            self.hourly(region, kind, size.disk, has_address=place.public_ipv4)
            for region, place in regions.items()
            for kind in size.instance_types
        ]
        known = [price for price in prices if price is not None]
        return max(known) if len(known) == len(prices) else None


def load_prices(folder: Path | None = None) -> Prices:
    """The newest table there is: that in the folder, else the shipped one.  Raises Refused `prices_wrong`."""
    path = folder / REFRESHED if folder is not None and (folder / REFRESHED).exists() else SHIPPED
    try:
        return Prices.model_validate(tomllib.loads(path.read_text()))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as problem:
        message = f"{path} can't be read as a table of prices: remove it, then run prices --refresh. ({problem})"
        raise Refused("prices_wrong", message) from None


def fetch_prices(pricing: Any, settings: Ec2Settings, today: date) -> Prices:
    """Today's prices of the settings' types in their regions.  pricing: a boto3 client of Amazon's price list."""
    kinds = sorted({kind for size in settings.sizes.values() for kind in size.instance_types})
    return Prices(
        at=today,
        regions={
            region: RegionPrices(
                disk=_disk(pricing, region),
                types={kind: price for kind in kinds if (price := _machine(pricing, region, kind)) is not None},
            )
            for region in settings.regions
        },
    )


def fill_disk_prices(table: Prices, before: Prices) -> tuple[Prices, list[str]]:
    """The table with the disks' prices of the one before where it has none, and a sentence for each region of those."""
    regions, said = dict(table.regions), []
    for region, known in table.regions.items():
        if known.disk is None:
            old = before.regions.get(region)
            disk = None if old is None else old.disk
            regions[region] = known.model_copy(update={"disk": disk})
            kept = "so that of its machines isn't known" if disk is None else f"so that of {before.at} is kept"
            said.append(f"Amazon told no price of disks in {region}, {kept}.")
    return table.model_copy(update={"regions": regions}), said


def save_prices(prices: Prices, folder: Path) -> Path:
    """Keep the table in the folder; where it is."""
    lines = [f"at = {prices.at.isoformat()}"]
    for region, known in prices.regions.items():
        disk = [] if known.disk is None else [f'disk = "{known.disk}"']
        lines += ["", f"[regions.{region}]", *disk, f'ipv4 = "{known.ipv4}"', "", f"[regions.{region}.types]"]
        lines += [f'"{kind}" = "{price}"' for kind, price in sorted(known.types.items())]
    path = folder / REFRESHED
    path.write_text("\n".join(lines) + "\n")
    return path


def _machine(pricing: Any, region: str, kind: str) -> Decimal | None:
    return _price(
        pricing,
        {
            "regionCode": region,
            "instanceType": kind,
            "operatingSystem": "Linux",
            "tenancy": "Shared",
            "preInstalledSw": "NA",
            "capacitystatus": "Used",
            "licenseModel": "No License required",
        },
    )


def _disk(pricing: Any, region: str) -> Decimal | None:
    return _price(pricing, {"regionCode": region, "volumeApiName": "gp3", "productFamily": "Storage"})


def _price(pricing: Any, wanted: Mapping[str, str]) -> Decimal | None:
    """The dearest on-demand price in dollars of what has these attributes; None when there is no such thing."""
    filters = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in wanted.items()]
    pages = pricing.get_paginator("get_products").paginate(ServiceCode="AmazonEC2", Filters=filters)
    products = [json.loads(product) for page in pages for product in page["PriceList"]]
    found = [
        Decimal(dimension["pricePerUnit"]["USD"])
        for product in products
        for term in product["terms"].get("OnDemand", {}).values()
        for dimension in term["priceDimensions"].values()
        if "USD" in dimension["pricePerUnit"]
    ]
    return max(found, default=None)
