"""Where a schedule can run, and what is said of one that can't run where it wants."""

from decimal import Decimal
from typing import Any

import pytest

from jupyter_schedule.core import compute
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import EMBEDDED_CATALOG, LauncherCatalog, LauncherInfo, MachineSize, Policies, Timing
from tests.factories import make_spec

SMALL = MachineSize(name="small", hardware="2 cores, 4 GB")
LARGE = MachineSize(name="large", hardware="8 cores, 32 GB")
TEAM = LauncherCatalog(
    launchers=(
        LauncherInfo(name="local"),
        LauncherInfo(name="ec2", paid=True, sizes=(SMALL, LARGE), data_roles=("weather", "flights")),
        LauncherInfo(name="bare", paid=True),
    ),
)


@pytest.mark.promise("P39")
@pytest.mark.parametrize(
    ("launcher", "size", "hourly", "is_refused"),
    [
        ("ec2", "small", None, True),
        ("ec2", None, None, True),
        ("bare", None, None, True),
        ("ec2", "small", Decimal("0.05"), False),
        # where nothing is paid a cap counts nothing, as is said
        ("local", None, None, False),
    ],
)
def test_a_cap_that_cannot_be_counted_is_refused_with_the_command_that_mends_it(
    launcher: str, size: str | None, hourly: Decimal | None, is_refused: bool
) -> None:
    priced = tuple(each.model_copy(update={"hourly": hourly}) for each in (SMALL, LARGE))
    offered = tuple(each.model_copy(update={"sizes": priced if each.sizes else ()}) for each in TEAM.launchers)
    team = TEAM.model_copy(update={"launchers": offered})
    compute.check(make_spec(launcher=launcher, size=size), team)
    capped = make_spec(launcher=launcher, size=size, policies=Policies(monthly_cap=Decimal(20)))
    if not is_refused:
        compute.check(capped, team)
        return
    with pytest.raises(Refused, match="prices --refresh") as refused:
        compute.check(capped, team)
    assert (refused.value.code, refused.value.field) == ("no_price", "monthly_cap")


@pytest.mark.parametrize(
    ("offered", "changes"),
    [
        (EMBEDDED_CATALOG, {}),
        (TEAM, {}),
        (TEAM, {"launcher": "ec2"}),
        (TEAM, {"launcher": "ec2", "size": "large"}),
        (TEAM, {"launcher": "ec2", "data_role": "weather"}),
        (TEAM, {"launcher": "ec2", "timing": Timing(cron="*/15 * * * *")}),
        (TEAM, {"timing": Timing(cron="* * * * *")}),
    ],
)
def test_what_is_offered_can_be_had(offered: LauncherCatalog, changes: dict[str, Any]) -> None:
    compute.check(make_spec(**changes), offered)


@pytest.mark.parametrize(
    ("offered", "changes", "field", "sentence"),
    [
        (EMBEDDED_CATALOG, {"launcher": "ec2"}, "launcher", "The scheduler has no launcher “ec2”. Choose local."),
        (TEAM, {"launcher": "moon"}, "launcher", "The scheduler has no launcher “moon”. Choose local or ec2 or bare."),
        (
            TEAM,
            {"launcher": "ec2", "size": "huge"},
            "size",
            "No machine of the size “huge” is offered. Choose one of small, large.",
        ),
        (
            TEAM,
            {"size": "large"},
            "size",
            "The launcher local has no sizes: leave the size out, or choose the launcher ec2.",
        ),
        (
            TEAM,
            {"data_role": "weather"},
            "data_role",
            "Here a run may do what you may: leave the data role out, or choose another launcher.",
        ),
        (
            TEAM,
            {"launcher": "ec2", "data_role": "admin"},
            "data_role",
            "There is no data role “admin”. Choose one of weather, flights.",
        ),
        (
            TEAM,
            {"launcher": "bare", "data_role": "weather"},
            "data_role",
            "The launcher bare has no data roles: leave it out, or ask the operator for one.",
        ),
        (EMBEDDED_CATALOG, {"size": "large"}, "size", "The launcher local has no sizes: leave the size out."),
        (
            TEAM,
            {"launcher": "ec2", "timing": Timing(cron="*/10 * * * *")},
            "cron",
            "Runs at least 15 minutes apart, please.",
        ),
    ],
)
def test_what_is_not_offered_is_refused_with_what_is(
    offered: LauncherCatalog, changes: dict[str, Any], field: str, sentence: str
) -> None:
    with pytest.raises(Refused) as refused:
        compute.check(make_spec(**changes), offered)
    assert (refused.value.field, refused.value.message) == (field, sentence)


@pytest.mark.parametrize(
    ("launcher", "size", "found"),
    [("ec2", None, SMALL), ("ec2", "large", LARGE), ("ec2", "huge", None), ("local", None, None), ("moon", None, None)],
)
def test_a_schedule_that_names_no_size_gets_the_first(
    launcher: str, size: str | None, found: MachineSize | None
) -> None:
    assert TEAM.size(launcher, size) == found


def test_a_choice_says_what_is_behind_its_name() -> None:
    shown = [(choice.title, choice.hardware, choice.paid) for choice in compute.choices(TEAM)]
    assert shown == [
        ("this computer", "", False),
        ("small", "2 cores, 4 GB", True),
        ("large", "8 cores, 32 GB", True),
        ("bare", "", True),
    ]


def test_what_a_newer_service_announces_beside_it_is_left_aside() -> None:
    assert (
        LauncherCatalog.model_validate_json('{"launchers": [{"name": "local", "moons": 2}], "suns": 1}')
        == EMBEDDED_CATALOG
    )
