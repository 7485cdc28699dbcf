"""Schedules over HTTP."""

import asyncio
import threading
from datetime import timedelta
from typing import Any

import pytest

from jupyter_schedule.core.models import (
    ConcurrencyLimits,
    LauncherCatalog,
    LauncherInfo,
    Run,
    RunStatus,
    Timing,
    utc,
    utc_text,
)
from jupyter_schedule.core.publication_keys import PublicationKeys
from jupyter_schedule.core.store.leader_lock import Blocker
from jupyter_schedule.core.store.runs import SqlRuns
from tests.factories import make_run, make_schedule, make_spec
from tests.server.conftest import BASE, Api
from tests.ticking import seeming_service


async def test_a_schedule_is_made_found_and_listed(api: Api) -> None:
    frequency = {"kind": "weekly", "days": ["Mon"], "at": "6 am"}
    made = await api.create("daily", {"frequency": frequency}, run_now=True)

    assert (made["name"], made["state"], made["version"]) == ("daily", "active", 1)
    assert made["timing"] == {"cron": "0 6 * * 1", "once": None, "timezone": "UTC"}
    assert made["form"]["frequency"]["days"] == ["Mon"]
    assert made["form"]["notebook"] == "report.ipynb"
    assert made["publication_url"] == f"{BASE}publications/daily/data/"
    assert len(made["next"]) == 5
    assert [run["trigger"] for run in made["last_runs"]] == ["manual"]
    found = (await api("GET", "schedules/daily")).body
    assert made | {"message": made["summary"]} == {key: found[key] for key in made}
    assert made["message"] == f"Scheduled “daily”. {made['summary']}"
    assert (found["bundled_notebook"], found["compute"]["title"], found["versions"][0]["version"]) == (
        *("report.ipynb", "this computer"),
        1,
    )
    assert (await api("GET", "schedules")).body == [made | {"message": made["summary"]}]


async def test_only_the_schedules_of_one_notebook_are_listed_when_asked_for(api: Api) -> None:
    await api.create("one")
    await api.create("two", {"notebook": api.notebook("work/other.ipynb")})
    listed = (await api("GET", "schedules", notebook="work/other.ipynb")).body
    assert [schedule["name"] for schedule in listed] == ["two"]


async def test_a_page_of_the_list_has_what_was_searched_for_and_the_counts(api: Api) -> None:
    for name in ("one", "two", "three"):
        await api.create(name)
    found = (await api("GET", "overview", search="REPORT o", order="name", limit="1")).body
    assert [schedule["name"] for schedule in found["schedules"]] == ["one"]
    assert {key: found[key] for key in ("found", "all", "failing", "running", "paused")} == {
        "found": 3,
        "all": 3,
        "failing": 0,
        "running": 0,
        "paused": 0,
    }


@pytest.mark.parametrize("query", [{"show": "some"}, {"order": "random"}, {"skip": "-1"}, {"limit": "many"}])
async def test_a_list_that_there_is_none_of_is_refused_with_the_words_that_there_are(
    api: Api, query: dict[str, Any]
) -> None:
    refused = await api("GET", "overview", **query)
    assert (refused.status, refused.body["error"]["field"]) == (422, *query)


async def test_a_page_has_fifty_at_most(api: Api) -> None:
    owner = (await api.create("one"))["owner"]
    spec = make_spec(publication_base="file:///published")
    with api.worker() as worker:
        for number in range(60):
            worker.operations.store.schedules.add(make_schedule(f"s{number}", owner=owner, spec=spec))
    assert len((await api("GET", "overview", limit="1000")).body["schedules"]) == 50


class TestAButton:
    """What the button of a notebook is told."""

    async def ask(self, api: Api, notebook: str = "report.ipynb") -> Any:
        return (await api("GET", "scheduled", notebook=notebook, reader="Europe/Paris")).body

    async def test_nothing_of_a_notebook_that_is_not_scheduled(self, api: Api) -> None:
        await api.create()
        assert await self.ask(api, "other.ipynb") is None

    async def test_the_sentence_and_how_it_went_whatever_the_runs_left(self, api: Api) -> None:
        made = await api.create(run_now=True)
        said = await self.ask(api)
        assert said == {"name": "daily", "summary": said["summary"], "failing": False}
        assert "your time" in said["summary"]
        with api.worker() as worker:
            worker.end(worker.start(made["last_runs"][0]["run_id"]), status=RunStatus.FAILED)
        assert (await self.ask(api))["failing"]
        await api.run_now()
        assert (await self.ask(api))["failing"], "the newest run hasn't ended yet"

    async def test_a_paused_schedule_and_not_one_that_was_removed(self, api: Api) -> None:
        await api.create("one")
        await api.create("two")
        await api("DELETE", "schedules/one")
        await api("POST", "schedules/two/pause")
        assert (await self.ask(api))["summary"].startswith("Paused by you")


async def test_the_bundle_of_a_preview_is_used_though_the_notebook_has_changed_since(api: Api) -> None:
    form = {
        "name": "daily",
        "notebook": api.notebook("report.ipynb", "m", parameters="m = 1"),
        "parameters": {"m": "2"},
    }
    seen = (await api("POST", "preview", form)).body
    api.notebook("report.ipynb", "something else")
    made = (await api("POST", "schedules", {"form": form, "bundle": seen["bundle"]})).body
    assert made["bundle"] == seen["bundle"]
    assert made["form"]["parameters"] == {"m": 2}


@pytest.mark.parametrize("bundle", ["0" * 64, "another's"])
async def test_a_bundle_that_is_gone_or_of_something_else_is_refused(api: Api, bundle: str) -> None:
    api.notebook()
    if bundle == "another's":
        other = {"name": "x", "notebook": api.notebook("other.ipynb")}
        bundle = (await api("POST", "preview", other)).body["bundle"]
    form = {"name": "daily", "notebook": "report.ipynb"}
    reply = await api("POST", "schedules", {"form": form, "bundle": bundle})
    assert reply.status == 422
    assert reply.code in {"no_such_bundle", "not_its_bundle"}
    assert reply.body["error"]["field"] == "files"


async def test_once_only_runs_now_and_never_by_the_clock(api: Api) -> None:
    made = await api.create("daily", {"frequency": {"kind": "cron", "cron": "nonsense"}}, once_only=True)
    assert (made["state"], made["next_due"], made["next"]) == ("ended", None, [])
    assert [run["status"] for run in made["last_runs"]] == ["due"]


@pytest.mark.parametrize(
    ("form", "status", "code", "field"),
    [
        ({"name": "No spaces!"}, 422, "bad_name", "name"),
        ({"name": "taken"}, 409, "name_taken", "name"),
        ({"name": "reserved"}, 409, "name_reserved", "name"),
        ({"frequency": {"kind": "weekly"}}, 422, "bad_day", "days"),
        ({"frequency": {"kind": "monthly", "day_of_month": "32"}}, 422, "bad_day", "day_of_month"),
        ({"frequency": {"kind": "once", "date": "2020-01-01"}}, 422, "in_the_past", "date"),
        ({"frequency": {"kind": "cron", "cron": "0 0 31 4 *"}}, 422, "never_matches", "cron"),
        ({"frequency": {"timezone": "Mars/Phobos"}}, 422, "unknown_timezone", "timezone"),
        ({"frequency": {"at": "noon"}}, 422, "bad_time", "at"),
        ({"notebook": "nowhere.ipynb"}, 422, "notebook_missing", "notebook"),
        ({"notebook": "../report.ipynb"}, 422, "outside_root", "notebook"),
        ({"notebook": "/etc/passwd"}, 422, "outside_root", "notebook"),
        ({"notebook": None}, 422, "nothing_to_schedule", "notebook"),
        ({"parameters": {"x": 1}}, 422, "no_parameters_cell", "parameters"),
        ({"output_dir": "../up"}, 422, "bad_output_dir", "output_dir"),
        ({"visibility": "public"}, 422, "no_public_area", "visibility"),
        ({"kernel": "cobol"}, 422, "kernel_missing", "kernel"),
        ({"timeout_minutes": 0}, 422, "bad_timeout", "timeout_minutes"),
        ({"visibility": "secret"}, 422, "invalid", "visibility"),
        ({"colour": "red"}, 422, "unknown_key", "colour"),
    ],
)
async def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_recorded(
    api: Api, form: dict[str, Any], status: int, code: str, field: str
) -> None:
    await api.create("taken")
    (api.root / "published/reserved").mkdir(parents=True)
    (api.root / "published" / PublicationKeys("reserved").latest).write_text("{}")
    whole = {"name": "daily", "notebook": "report.ipynb"} | form
    reply = await api("POST", "schedules", {"form": whole})
    error = reply.body["error"]
    assert (reply.status, error["code"], error["field"]) == (status, code, field)
    assert [schedule["name"] for schedule in (await api("GET", "schedules")).body] == ["taken"]


async def test_the_same_request_again_is_answered_by_the_same_schedule(api: Api) -> None:
    api.notebook()
    creation = {"form": {"name": "daily", "notebook": "report.ipynb"}, "run_now": True}
    again = {"Idempotency-Key": "k"}
    first, second = await asyncio.gather(*(api("POST", "schedules", creation, headers=again) for _ in range(2)))
    assert (first.status, second.status) == (201, 201)
    assert first.body == second.body
    assert len((await api("GET", "schedules/daily/runs")).body) == 1
    other = creation | {"run_now": False}
    assert (await api("POST", "schedules", other, headers=again)).code == "idempotency_key_reused"
    assert (await api("POST", "schedules", creation)).code == "name_taken"


class TestEdit:
    async def patch(self, api: Api, form: dict[str, Any], version: str = "1", **more: Any) -> Any:
        return await api("PATCH", "schedules/daily", {"form": form} | more, headers={"If-Match": version})

    async def test_the_time_changes_and_the_code_stays(self, api: Api) -> None:
        made = await api.create()
        api.notebook("report.ipynb", "print('changed')")
        edited = (await self.patch(api, {"frequency": {"at": "6:30"}})).body
        assert (edited["version"], edited["timing"]["cron"]) == (2, "30 6 * * *")
        assert edited["bundle"] == made["bundle"]
        assert edited["form"] == made["form"] | {"frequency": made["form"]["frequency"] | {"at": "06:30"}}
        versions = (await api("GET", "schedules/daily/versions")).body
        assert [version["version"] for version in versions] == [2, 1]

    async def test_parameters_change_without_a_new_bundle_and_are_checked_against_the_old_one(self, api: Api) -> None:
        api.notebook("report.ipynb", "m", parameters="m = 1\nword = 'NO'")
        made = await api.create()
        api.notebook("report.ipynb", "no parameters any more")
        edited = (await self.patch(api, {"parameters": {"m": "2", "word": "012"}})).body
        assert edited["bundle"] == made["bundle"]
        assert edited["form"]["parameters"] == {"m": 2, "word": "012"}
        wrong = await self.patch(api, {"parameters": {"m": "March"}}, "2")
        assert (wrong.status, wrong.body["error"]["field"]) == (422, "parameters")
        cleared = (await self.patch(api, {"parameters": {"m": None}}, "2")).body
        assert cleared["form"]["parameters"] == {"word": "012"}

    async def test_the_output_contract_changes_and_one_that_no_file_can_meet_is_refused(self, api: Api) -> None:
        await api.create()
        edited = (await self.patch(api, {"expect": [" a.csv  rows>=5 ", ""]})).body
        assert edited["form"]["expect"] == ["a.csv rows>=5"]
        wrong = await self.patch(api, {"expect": ["../a.csv"]}, "2")
        assert (wrong.status, wrong.code, wrong.body["error"]["field"]) == (422, "bad_contract", "expect")

    async def test_rebundling_takes_the_notebook_as_it_is_now(self, api: Api) -> None:
        made = await api.create()
        api.notebook("report.ipynb", "open('data.csv')")
        (api.root / "data.csv").write_text("1")
        (api.root / "more.csv").write_text("2")
        form = {"files": ["more.csv"], "left_out": ["data.csv"]}
        refused = await self.patch(api, form)
        assert (refused.status, refused.code) == (422, "needs_rebundle")
        edited = (await self.patch(api, form, rebundle=True)).body
        assert edited["bundle"] != made["bundle"]
        assert (edited["form"]["files"], edited["form"]["left_out"]) == (["more.csv"], ["data.csv"])

    async def test_a_role_for_data_outlives_new_code_and_goes_with_its_launcher(self, api: Api) -> None:
        machines = LauncherInfo(name="ec2", paid=True, data_roles=("weather",))
        with api.worker() as service:
            offered = LauncherCatalog(launchers=(LauncherInfo(name="local"), machines))
            service.operations.store.publish_catalog(offered, actor="scheduler")
        made = await api.create(form={"launcher": "ec2", "data_role": "weather"})
        assert made["form"]["data_role"] == "weather"
        renewed = (await self.patch(api, {}, rebundle=True)).body
        assert renewed["form"]["data_role"] == "weather"
        local = (await self.patch(api, {"launcher": "local"}, "2")).body
        assert (local["form"]["launcher"], local["form"]["data_role"]) == ("local", None)
        wrong = await self.patch(api, {"launcher": "ec2", "data_role": "admin"}, "3")
        assert (wrong.code, wrong.body["error"]["field"]) == ("no_such_data_role", "data_role")

    async def test_an_edit_says_what_it_is_based_on(self, api: Api) -> None:
        await api.create()
        without = await api("PATCH", "schedules/daily", {"form": {}})
        assert (without.status, without.code) == (428, "version_needed")
        assert (await self.patch(api, {"timeout_minutes": 5}, '"1"')).status == 200
        stale = await self.patch(api, {"timeout_minutes": 6}, "1")
        assert (stale.status, stale.code) == (412, "changed_elsewhere")
        assert (await self.patch(api, {}, "one")).status == 412

    @pytest.mark.parametrize(
        ("form", "code"),
        [
            ({"colour": 1}, "unknown_key"),
            ({"frequency": {"colour": 1}}, "unknown_key"),
            ({"name": "other"}, "name_fixed"),
            ({"frequency": {"kind": "never"}}, "invalid"),
            ({"kernel": "cobol"}, "needs_rebundle"),
            ({"notebook": None}, "needs_rebundle"),
        ],
    )
    async def test_what_cannot_be_is_refused(self, api: Api, form: dict[str, Any], code: str) -> None:
        await api.create()
        reply = await self.patch(api, form)
        assert (reply.status, reply.code) == (422, code)
        assert (await api("GET", "schedules/daily")).body["version"] == 1


async def test_who_pauses_again_says_or_keeps_why_and_stays_who_paused_it_first(api: Api) -> None:
    await api.create()
    first = (await api("POST", "schedules/daily/pause", {"note": "Mending."})).body["paused"]
    for body, note in ((None, "Mending."), ({}, "Mending."), ({"note": "Moved."}, "Moved."), ({"note": ""}, "")):
        paused = (await api("POST", "schedules/daily/pause", body)).body["paused"]
        assert paused == first | {"note": note}
    long = await api("POST", "schedules/daily/pause", {"note": "x" * 501})
    assert (long.code, long.body["error"]["message"]) == (
        "invalid",
        "note: has 501 characters. At most 500 are taken.",
    )


async def test_a_schedule_is_paused_resumed_and_deleted(api: Api) -> None:
    await api.create()
    assert (await api("POST", "schedules/daily/pause")).body["state"] == "paused"
    assert (await api("POST", "schedules/daily/resume")).body["state"] == "active"
    data = api.root / "published/daily/data"
    data.mkdir(parents=True)
    (data / "a.csv").write_text("1")
    gone = (await api("DELETE", "schedules/daily")).body
    assert gone.pop("message").startswith("Its published results stay at ")
    assert gone == {"name": "daily", "published": 1, "publication_url": f"{BASE}publications/daily/data/"}
    assert (await api("GET", "schedules/daily")).code == "no_such_schedule"
    assert (await api("DELETE", "schedules/daily")).status == 404


async def test_the_sentence_is_in_the_readers_zone(api: Api) -> None:
    await api.create("daily", {"frequency": {"at": "12:00"}})
    told = (await api("GET", "schedules/daily", reader="Asia/Tokyo")).body["summary"]
    assert "21:00 your time" in told
    assert (await api("GET", "schedules/daily", reader="Mars/Phobos")).status == 200


async def test_the_status_counts_what_goes_and_what_fails(api: Api) -> None:
    await api.create("bad")
    await api.create("good")
    runs = [await api.run_now(name) for name in ("bad", "good", "good")]
    with api.worker() as worker:
        worker.end(worker.start(runs[0]["run_id"]), status=RunStatus.FAILED)
        worker.end(worker.start(runs[1]["run_id"]), status=RunStatus.SUCCEEDED)
        worker.start(runs[2]["run_id"])
    status = (await api("GET", "status")).body
    assert (status["ticking"], status["embedded"]) == (False, False)
    assert (status["failing"], status["running"]) == (1, 1)
    assert "Europe/Paris" in status["timezone_names"]


async def test_the_status_says_what_keeps_the_service_from_starting_anything(api: Api) -> None:
    with seeming_service(api.places) as service:
        for said in (Blocker.CLOCK, None):
            service.tick(said)
            status = (await api("GET", "status")).body
            assert (status["ticking"], status["hindrance"]) == (True, said and said.sentence)


async def test_the_status_says_which_schedules_a_wrong_clock_put_far_ahead(api: Api) -> None:
    """They would be silent for a year, with a service that ticks and a list that looks well."""
    for name in ("daily", "hourly", "weekly"):
        await api.create(name)
    with seeming_service(api.places) as service, api.worker() as worker:
        operations = worker.operations
        service.tick(None)
        assert (await api("GET", "status")).body["hindrance"] is None
        for days, name in ((0.9, "weekly"), (366, "daily"), (365, "hourly")):
            before = operations.schedules.get(name)
            after = before.model_copy(update={"cursor": utc(operations.now() + timedelta(days=days))})
            assert operations.store.schedules.replace(before, after, actor="scheduler", kind=None)
        until = utc_text(operations.schedules.get("daily").cursor)
        said = (await api("GET", "status")).body["hindrance"]
        assert said.startswith(f"“daily” and 1 more start nothing until {until}, since a clock was wrong. ")
        service.tick(Blocker.CLOCK)
        assert (await api("GET", "status")).body["hindrance"] == Blocker.CLOCK.sentence


async def test_the_runs_of_all_schedules_are_had_by_one_query_and_their_places_in_line_by_another(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api("GET", "status")
    with api.worker() as worker:
        for number in range(30):
            schedule = make_schedule(f"s{number}", spec=make_spec(publication_base=f"file://{api.root}/published"))
            worker.operations.store.schedules.add(schedule)
            worker.operations.store.runs.add(make_run(schedule), actor="service")
    queries: list[str] = []
    run_query = SqlRuns._select

    def counted(self: SqlRuns, query: Any) -> list[Run]:
        # the thread that watches for changes asks for the run of each
        if threading.current_thread().name != "schedule-changes":
            queries.append(str(query))
        return run_query(self, query)

    monkeypatch.setattr(SqlRuns, "_select", counted)
    listed = (await api("GET", "schedules")).body
    assert len(listed) == 30
    assert all(len(schedule["last_runs"]) == 1 for schedule in listed)
    assert len(queries) == 2


async def test_a_run_that_a_limit_holds_up_says_which_instead_of_a_place(api: Api) -> None:
    await api.create("daily")
    await api.create("other")
    first, second = await api.run_now("daily"), await api.run_now("other")
    assert ((await api("GET", f"runs/{second['run_id']}")).body["place"]) == 2
    with api.worker() as worker:
        worker.operations.store.publish_catalog(LauncherCatalog(room=ConcurrencyLimits(per_owner=1)), actor="scheduler")
        worker.start(first["run_id"])
    waits = (await api("GET", f"runs/{second['run_id']}")).body
    assert (waits["place"], waits["held"]) == (None, "Waits: only one of your runs goes at once")


async def test_a_schedule_whose_zone_is_gone_keeps_no_other_from_being_listed(api: Api) -> None:
    made = await api.create("daily")
    with api.worker() as worker:
        timing = Timing(cron="0 12 * * *", timezone="Mars/Phobos")
        worker.operations.store.schedules.add(
            make_schedule("gone", spec=make_spec(timing=timing, publication_base="file:///gone"))
        )
    listed = (await api("GET", "schedules")).body
    assert listed[0] == made | {"message": made["summary"]}
    assert listed[1]["next"] == []
    assert "No zone called “Mars/Phobos”" in listed[1]["summary"]
