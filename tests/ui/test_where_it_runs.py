"""Where runs take place is chosen in the form: a machine's size, its role for data, and a cap on what it costs."""

import re
from collections.abc import Iterator
from decimal import Decimal

import pytest
from playwright.sync_api import BrowserContext, expect

from jupyter_schedule.core.models import LOCAL_LAUNCHER, LauncherCatalog, LauncherInfo, MachineSize
from tests.ui.conftest import CHROMIUM, WIDE
from tests.ui.lab import DARK, LIGHT, Lab
from tests.ui.looks import picture, too_wide, violations
from tests.ui.walk import open_form

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt install chromium)"),
]

MACHINES = LauncherInfo(
    name="ec2",
    paid=True,
    sizes=(
        MachineSize(name="small", hardware="2 cores, 8 GB", hourly=Decimal("0.0912")),
        MachineSize(name="large", hardware="16 cores, 64 GB", hourly=Decimal("0.8064")),
    ),
    data_roles=("rides", "weather"),
)


@pytest.fixture
def _machines(lab: Lab) -> Iterator[None]:
    """The service offers machines beside this computer."""
    store = lab.store()
    before = store.read_catalog() or LauncherCatalog()
    store.publish_catalog(LauncherCatalog(launchers=(LauncherInfo(name=LOCAL_LAUNCHER), MACHINES)), actor="scheduler")
    yield
    store.publish_catalog(before, actor="scheduler")
    store.close()
    lab.theme(LIGHT)


@pytest.mark.usefixtures("_machines")
@pytest.mark.parametrize(
    ("theme", "width"), [("light", 1140), pytest.param("dark", 1440, marks=pytest.mark.proof("browsers"))]
)
def test_a_size_a_role_and_a_cap_are_chosen_in_the_form(
    lab: Lab, context: BrowserContext, theme: str, width: int
) -> None:
    lab.theme(DARK if theme == "dark" else LIGHT)
    lab.notebook("where/rides.ipynb", "print('rides')")
    page = context.new_page()
    page.add_init_script("localStorage.clear()")
    page.set_viewport_size({"width": width, "height": WIDE["height"]})
    page.goto(lab.address("where/rides.ipynb"))
    form = open_form(page)

    expect(form.get_by_label("Role for data")).to_have_count(0)
    form.get_by_role("radio", name="large 16 cores, 64 GB").check()
    form.get_by_label("Role for data").select_option("weather")
    form.get_by_label("Monthly cap (dollars)").fill("40")
    expect(form.get_by_text(re.compile(r"\$\d.* a month"))).to_be_visible()
    expect(form.get_by_text(re.compile("^Runs every day at 12:00 UTC on a fresh large machine"))).to_be_visible()
    form.get_by_label("Role for data").scroll_into_view_if_needed()
    picture(form, f"where-it-runs-{theme}")
    assert [*too_wide(form), *violations(page, form)] == []

    form.get_by_role("radio", name="This computer").check()
    expect(form.get_by_label("Role for data")).to_have_count(0)
    page.close()
