"""What was tried once becomes the schedule of its name, and what a deleted schedule published is gone on with."""

from typing import Any

from jupyter_schedule.core.config import PUBLISHED
from jupyter_schedule.core.models import RunStatus
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.storage.factory import FolderAddress
from tests.server.conftest import Api
from tests.server.test_files import publish

FORM = {"notebook": "report.ipynb", "environment": "kernel"}


async def tried(api: Api, status: RunStatus = RunStatus.SUCCEEDED) -> Any:
    made = await api.create(once_only=True)
    with api.worker() as worker:
        worker.end(worker.start(made["last_runs"][0]["run_id"]), status=status)
    return made


async def test_a_trial_becomes_the_schedule_of_its_name_with_its_run_first(api: Api) -> None:
    made = await tried(api)
    preview = (await api("POST", "preview", FORM | {"name": "daily"})).body
    assert preview["problems"] == []
    scheduled = await api.create()
    assert (scheduled["id"], scheduled["state"], scheduled["version"]) == (made["id"], "active", 2)
    assert scheduled["next_due"] is not None
    assert [run["run_id"] for run in (await api("GET", "schedules/daily/runs")).body] == [
        made["last_runs"][0]["run_id"]
    ]


async def test_a_run_tells_that_it_was_a_trial_until_that_is_scheduled(api: Api) -> None:
    run_id = (await tried(api))["last_runs"][0]["run_id"]
    assert (await api("GET", f"runs/{run_id}")).body["trial"] is True
    patch = {"form": {"frequency": {"kind": "daily"}}}
    changed = await api("PATCH", "schedules/daily", patch, headers={"If-Match": "1"})
    assert (changed.status, changed.body["state"]) == (200, "active")
    assert (await api("GET", f"runs/{run_id}")).body["trial"] is False


async def test_a_trial_is_tried_again_under_its_name(api: Api) -> None:
    made = await tried(api, RunStatus.FAILED)
    again = await api.create(once_only=True)
    assert (again["id"], again["state"], len(again["last_runs"])) == (made["id"], "ended", 2)


async def test_a_trial_of_another_notebook_keeps_its_name(api: Api) -> None:
    await tried(api)
    api.notebook("other/report.ipynb")
    reply = await api("POST", "schedules", {"form": FORM | {"name": "daily", "notebook": "other/report.ipynb"}})
    assert (reply.status, reply.code) == (409, "name_taken")


async def test_a_failed_trial_counts_nowhere_and_a_failing_schedule_does(api: Api) -> None:
    await tried(api, RunStatus.FAILED)
    assert (await api("GET", "status")).body["failing"] == 0
    await api.create()
    assert (await api("GET", "status")).body["failing"] == 1


class TestNameWithResults:
    async def test_the_next_free_name_is_offered_and_the_results_are_told(self, api: Api) -> None:
        await api.create("report")
        publish(api, {"data/a.csv": b"1", "latest.json": b"{}"}, "report")
        publish(api, {"data/a.csv": b"1", "latest.json": b"{}"}, "report-2")
        await api("DELETE", "schedules/report")
        preview = (await api("POST", "preview", FORM | {"name": "report"})).body
        assert [(each["code"], each["field"]) for each in preview["problems"]] == [("name_reserved", "name")]
        assert "Continue with them, or choose another name." in preview["problems"][0]["message"]
        assert (preview["suggested_name"], preview["name_with_results"]) == ("report-3", "report")

    async def test_whoever_says_so_goes_on_with_the_results(self, api: Api) -> None:
        await api.create("report")
        publish(api, {"data/a.csv": b"1", "latest.json": b"{}"}, "report")
        await api("DELETE", "schedules/report")
        form = FORM | {"name": "report", "continue_results": True}
        assert (await api("POST", "preview", form)).body["problems"] == []
        made = await api("POST", "schedules", {"form": form})
        assert (made.status, made.body["form"]["continue_results"]) == (201, False)
        assert (await api("GET", "publications/report/data/a.csv")).body == b"1"

    async def test_on_a_ledger_that_many_share_nobody_goes_on_with_results(self, api: Api) -> None:
        """They may be somebody else's."""
        publish(api, {"data/a.csv": b"1", "latest.json": b"{}"}, "report")
        with api.worker() as worker:
            known = worker.operations
            base = FolderAddress(api.root).url(PUBLISHED)
            other = Operations(known.store, known.objects, owner="ben", published=base)
            assert known.schedules.can_continue("report") is False
            assert other.schedules.can_continue("report") is False
            mine = Operations(known.store, known.objects, published=base)
            assert mine.schedules.can_continue("report") is True

    async def test_a_name_without_results_offers_nothing(self, api: Api) -> None:
        api.notebook()
        preview = (await api("POST", "preview", FORM | {"name": "report"})).body
        assert (preview["suggested_name"], preview["name_with_results"]) == ("report", None)


class TestFirstRun:
    async def test_a_schedule_waits_for_its_first_run_which_publishes_as_all_others(self, api: Api) -> None:
        made = await api.create(first_run=True)
        assert (made["state"], [run["trigger"] for run in made["last_runs"]]) == ("rehearsing", ["manual"])
        assert "Waiting for a first successful run" in made["summary"]

    async def test_another_try_is_of_the_same_kind_and_an_edit_makes_one(self, api: Api) -> None:
        made = await api.create(first_run=True)
        with api.worker() as worker:
            worker.end(worker.start(made["last_runs"][0]["run_id"]), status=RunStatus.FAILED)
        assert (await api.run_now())["trigger"] == "manual"
        patch = {"form": {"timeout_minutes": 5}, "rebundle": True}
        changed = (await api("PATCH", "schedules/daily", patch, headers={"If-Match": "1"})).body
        assert changed["state"] == "rehearsing"
        assert {run["trigger"] for run in changed["last_runs"]} == {"manual"}

    async def test_who_asked_for_a_rehearsal_gets_rehearsals(self, api: Api) -> None:
        made = await api.create(rehearse=True)
        with api.worker() as worker:
            worker.end(worker.start(made["last_runs"][0]["run_id"]), status=RunStatus.FAILED)
        assert (await api.run_now())["trigger"] == "rehearsal"
