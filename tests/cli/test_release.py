"""`create --public` and `approve`: nothing becomes public unless a person says so."""

import pytest

from jupyter_schedule.core.config import StorageConfig
from jupyter_schedule.core.models import (
    DisclosureReport,
    Reason,
    RunStatus,
    Trigger,
    Visibility,
    disclosure_report_key,
)
from jupyter_schedule.core.operations.operations import Operations
from tests.cli.conftest import Terminal


@pytest.fixture(autouse=True)
def _public_area(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StorageConfig, "can_be_public", True)


def public(terminal: Terminal) -> str:
    return terminal.scheduled("daily", "--public", "--confirm-public")


def test_public_without_a_word_is_refused_where_nobody_can_be_asked(terminal: Terminal) -> None:
    terminal.tarball()
    refusal = terminal.refusal("create", "--tarball", "x.tar.gz", "--name", "daily", "--public")
    assert refusal["code"] == "public_unconfirmed"
    assert terminal.json("list") == []


def test_who_confirmed_it_is_shown(terminal: Terminal) -> None:
    public(terminal)
    assert "Public:   as local confirmed, 2026-11-24T12:00:00Z" in terminal("show", "daily").stdout


def test_a_rehearsal_is_approved_and_what_was_held_back_only_for_a_reason(terminal: Terminal) -> None:
    name = public(terminal)
    run = terminal.operations.runs.run_now(name)
    assert run.trigger == Trigger.REHEARSAL
    assert terminal.refusal("approve", run.id)["code"] == "run_not_ended"
    for after in (RunStatus.LAUNCHING, RunStatus.PUBLISHING):
        before = terminal.operations.runs.get(run.id)
        terminal.operations.store.runs.replace(before, before.model_copy(update={"status": after}), actor="scheduler")
    before = terminal.operations.runs.get(run.id)
    ended = {"status": RunStatus.FAILED, "reason": Reason.DISCLOSURE, "ended_at": before.created_at}
    terminal.operations.store.runs.replace(before, before.model_copy(update=ended), actor="scheduler")

    refused = terminal.refusal("approve", run.id)
    assert refused["code"] == "reason_needed"
    assert refused["message"].endswith("--reason TEXT.")
    assert terminal.refusal("approve", run.id, "--without-hover-data")["code"] == "not_hover_data"
    found = DisclosureReport(only_hover_data=True).model_dump_json().encode()
    terminal.operations.objects.put(disclosure_report_key(run.id), found)
    assert terminal.refusal("approve", run.id)["message"].endswith("without hover data: --without-hover-data.")
    made = terminal.json("approve", run.id, "--without-hover-data", "--reason", "It is left aside.")
    release = terminal.operations.runs.get(made["run_id"]).release
    assert release is not None
    assert (release.without_hover_data, release.reason) == (True, None)
    made = terminal.json("approve", run.id, "--reason", "Numbers of machines.")
    release = terminal.operations.runs.get(made["run_id"]).release
    assert release is not None
    assert (release.run_id, release.by, release.reason) == (run.id, "local", "Numbers of machines.")


def test_what_is_private_now_and_may_be_public_still_is_shown_until_it_is_withdrawn(terminal: Terminal) -> None:
    terminal.scheduled("daily")
    store = terminal.operations.store
    private = terminal.operations.schedules.get("daily")
    spec = private.spec.model_copy(update={"visibility": Visibility.PUBLIC, "publication_base": "s3://bucket/public"})
    public = private.model_copy(update={"version": 2, "spec": spec})
    assert store.schedules.replace(private, public, actor="ann", kind=None)
    assert terminal.json("show", "daily")["still_public"] == []
    again = private.model_copy(update={"version": 3})
    assert store.schedules.replace(public, again, actor="ann", kind=None)
    owed = store.publications.claim(60)
    assert owed is not None
    assert store.publications.put_off(owed, 0, remaining=3, trouble="S3 is away.")
    assert "Public:   “daily” is still public: 3 files, tried at " in terminal("show", "daily").stdout
    assert len(terminal.operations.still_public()) == 1
    assert Operations(store, terminal.operations.objects, owner="somebody-else").still_public() == ()

    owed = store.publications.claim(60)
    assert owed is not None
    assert store.publications.put_off(owed, 0, remaining=0, trouble=None)
    assert "Public:" not in terminal("show", "daily").stdout
