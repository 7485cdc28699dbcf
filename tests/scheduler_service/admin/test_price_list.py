"""`prices`: what an hour of each size costs, for people and for programs."""

import json
from decimal import Decimal
from pathlib import Path

from click.testing import CliRunner

from scheduler_service.__main__ import main
from tests.scheduler_service.admin.test_reap import SETTINGS


def test_the_prices_of_sizes_are_the_same_for_people_and_for_programs(tmp_path: Path) -> None:
    settings = SETTINGS.replace("elsewhere", "#").format(folder=tmp_path, endpoint="http://127.0.0.1:1")
    (tmp_path / "service.toml").write_text(settings)
    lines = CliRunner().invoke(main, ["prices", "--folder", str(tmp_path)]).stdout
    told = json.loads(CliRunner().invoke(main, ["prices", "--folder", str(tmp_path), "--json"]).stdout)
    assert f"Prices of {told['prices_of']}." in lines
    [size] = told["sizes"]
    assert (size["size"], Decimal(size["hourly"])) == ("small", Decimal("0.0448877"))
    assert f"small: {size['hardware']}, $0.0448877 an hour at most" in lines
