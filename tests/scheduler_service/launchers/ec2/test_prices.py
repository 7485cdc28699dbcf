"""Tables of prices: the shipped one, and one from Amazon."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.errors import Refused
from scheduler_service.launchers.ec2.prices import (
    REFRESHED,
    Prices,
    RegionPrices,
    fetch_prices,
    fill_disk_prices,
    load_prices,
    save_prices,
)
from scheduler_service.launchers.ec2.settings import Region, Size
from tests.scheduler_service.launchers.ec2.machines import SETTINGS

PUBLIC = Region(subnets=("subnet-a",), security_groups=("sg-1",))
PRIVATE = PUBLIC.model_copy(update={"public_ipv4": False})
SMALL = Size(instance_types=("t3.medium", "m7i.large"), hardware="2 cores", disk=73)


def test_an_hour_of_a_size_is_its_dearest_machine_with_its_disk() -> None:
    assert load_prices().dearest(SMALL, {"us-east-1": PRIVATE}) == Decimal("0.1088000")
    # and with a public address, where machines get one
    assert load_prices().dearest(SMALL, {"us-east-1": PUBLIC}) == Decimal("0.1138000")


@pytest.mark.parametrize("regions", [{"moon-1": PUBLIC}, {"us-east-1": PUBLIC, "moon-1": PUBLIC}])
def test_a_price_that_is_not_in_the_table_makes_the_size_unknown(regions: dict[str, Region]) -> None:
    assert load_prices().dearest(SMALL, regions) is None


class PriceList:
    """Speaks like boto3's client of Amazon's price list; knows the types that it is given."""

    def __init__(self, known: dict[str, str]) -> None:
        self.known = known
        self.asked: list[dict[str, str]] = []

    def get_paginator(self, operation: str) -> "PriceList":
        assert operation == "get_products"
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        assert request["ServiceCode"] == "AmazonEC2"
        wanted = {one["Field"]: one["Value"] for one in request["Filters"]}
        self.asked.append(wanted)
        price = self.known.get(wanted.get("instanceType", wanted.get("volumeApiName", "")))
        terms = {"a.b": {"priceDimensions": {"a.b.c": {"unit": "Hrs", "pricePerUnit": {"USD": price}}}}}
        yield {"PriceList": []}
        yield {"PriceList": [json.dumps({"terms": {"OnDemand": terms}})] if price else []}


def test_amazons_prices_are_kept_and_found_again(tmp_path: Path) -> None:
    amazon = PriceList({"t3.medium": "0.0456000000", "gp3": "0.0880000000"})
    table = fetch_prices(amazon, SETTINGS, date(2026, 11, 25))
    assert table.hourly("eu-west-1", "t3.medium", 0) == Decimal("0.0456")
    assert table.hourly("eu-west-1", "t3a.medium", 0) is None
    assert {"regionCode": "eu-west-1", "volumeApiName": "gp3", "productFamily": "Storage"} in amazon.asked

    assert save_prices(table, tmp_path) == tmp_path / REFRESHED
    assert load_prices(tmp_path) == table
    assert isinstance(load_prices(), Prices)


def test_a_disk_that_amazon_tells_no_price_of_keeps_its_old_one_with_a_sentence() -> None:
    told = fetch_prices(PriceList({"t3.medium": "0.0456000000"}), SETTINGS, date(2026, 11, 25))
    before = Prices(at=date(2026, 1, 1), regions={"eu-west-1": RegionPrices(disk=Decimal("0.073"), types={})})
    table, said = fill_disk_prices(told, before)
    assert table.hourly("eu-west-1", "t3.medium", 10) == Decimal("0.0466")
    assert said == ["Amazon told no price of disks in eu-west-1, so that of 2026-01-01 is kept."]
    assert fill_disk_prices(table, before) == (table, [])


def test_a_machine_whose_disk_has_no_known_price_has_none_either(tmp_path: Path) -> None:
    """A price without its disk would be told as less than what is paid."""
    amazon = PriceList({"t3.medium": "0.0456000000"})
    told = fetch_prices(amazon, SETTINGS, date(2026, 11, 25))
    table, said = fill_disk_prices(told, Prices(at=date(2026, 1, 1), regions={}))
    assert said == ["Amazon told no price of disks in eu-west-1, so that of its machines isn't known."]
    assert table.hourly("eu-west-1", "t3.medium", 73) is None
    save_prices(table, tmp_path)
    assert load_prices(tmp_path) == table


def test_a_table_that_cannot_be_read_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / REFRESHED).write_text("at = 2026-01-01\n")
    with pytest.raises(Refused, match="run prices --refresh"):
        load_prices(tmp_path)
