"""Versions beside each other and beside the notebook as it is now, over HTTP."""

from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.object_keys import bundle_key, bundle_record_key
from jupyter_schedule.core.storage.local import LocalStorage
from tests.server.conftest import Api


async def ask(api: Api, **query: int) -> Any:
    texts: dict[str, Any] = {name: str(value) for name, value in query.items()}
    return await api("GET", "schedules/daily/difference", **texts)


async def take(api: Api, *cells: str, version: int) -> None:
    """Save the notebook with these cells, and let the schedule use it so."""
    api.notebook("report.ipynb", *cells)
    body = {"form": {}, "rebundle": True}
    headers = {"If-Match": str(version)}
    assert (await api("PATCH", "schedules/daily", body, headers=headers)).status == 200


async def test_a_notebook_that_is_as_it_was_scheduled_differs_in_nothing(api: Api) -> None:
    api.notebook("report.ipynb", "rides = 1")
    await api.create("daily")
    found = (await ask(api)).body
    assert (found["state"], found["cells"], found["after"]) == ("same", [], None)
    assert found["before"]["version"] == 1


async def test_edits_since_are_told_until_the_schedule_takes_them(api: Api) -> None:
    api.notebook("report.ipynb", "rides = 1")
    await api.create("daily")
    api.notebook("report.ipynb", "rides = 2")
    found = (await ask(api)).body
    assert found["state"] == "differs"
    assert found["cells"][0]["lines"] == [
        {"kind": "removed", "text": "rides = 1"},
        {"kind": "added", "text": "rides = 2"},
    ]
    await take(api, "rides = 2", version=1)
    assert (await ask(api)).body["state"] == "same"


async def test_a_panel_that_asks_again_and_again_has_the_bundle_fetched_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.create("daily")
    fetched: list[str] = []
    fetch = LocalStorage.fetch

    def counted(objects: LocalStorage, key: str, destination: Path) -> None:
        fetched.append(key)
        fetch(objects, key, destination)

    monkeypatch.setattr(LocalStorage, "fetch", counted)
    for _ in range(3):
        assert (await ask(api)).body["state"] == "same"
    assert len(fetched) == 1


async def test_a_notebook_that_was_deleted_is_said_to_be_and_the_schedule_stays_as_it_was(api: Api) -> None:
    api.notebook("report.ipynb", "rides = 1")
    await api.create("daily")
    (api.root / "report.ipynb").unlink()
    found = (await ask(api)).body
    assert found["state"] == "gone"
    assert found["message"] == "report.ipynb isn't there any more. The schedule runs on from its own copy of it."
    assert (await api("GET", "schedules/daily")).body["state"] == "active"
    assert (await api("POST", "schedules/daily/run")).status == 201


async def test_what_is_no_notebook_any_more_is_said_in_words(api: Api) -> None:
    await api.create("daily")
    (api.root / "report.ipynb").write_text("{")
    found = (await ask(api)).body
    assert (found["state"], "isn't JSON" in found["message"]) == ("unreadable", True)


async def test_any_two_versions_are_compared_their_form_their_cells_and_their_files(api: Api) -> None:
    (api.root / "rides.csv").write_text("1")
    api.notebook("report.ipynb", "open('rides.csv')")
    await api.create("daily")
    (api.root / "rides.csv").write_text("2")
    (api.root / "more.csv").write_text("3")
    await take(api, "open('rides.csv')", "open('more.csv')", version=1)
    await api("PATCH", "schedules/daily", {"form": {"timeout_minutes": 7}}, headers={"If-Match": "2"})
    found = (await ask(api, before=1, after=3)).body
    assert [(cell["kind"], cell["number"]) for cell in found["cells"]] == [("added", 2)]
    assert found["files"] == [{"path": "more.csv", "kind": "added"}, {"path": "rides.csv", "kind": "changed"}]
    assert [found[side]["form"]["timeout_minutes"] for side in ("before", "after")] == [120, 7]
    only_form = (await ask(api, before=2, after=3)).body
    assert (only_form["state"], only_form["cells"], only_form["files"]) == ("same", [], [])


async def test_a_version_whose_bundle_is_gone_says_so(api: Api) -> None:
    await api.create("daily")
    await take(api, "rides = 2", version=1)
    first = (await ask(api, before=1, after=2)).body["before"]["bundle"]
    for key in (bundle_key(first), bundle_record_key(first)):
        api.objects.delete(key)
    found = (await ask(api, before=1, after=2)).body
    assert (found["state"], "bundle" in found["message"]) == ("unreadable", True)


async def test_no_such_version_is_refused(api: Api) -> None:
    await api.create("daily")
    assert (await ask(api, before=9)).code == "no_such_version"
    assert (await ask(api, before=1, after=9)).code == "no_such_version"
