"""A schedule is public only where somebody says so knowing it, and no key is in its code."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.bundles.packaging import PackagingRequest, build_bundle
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Confirmation, Reason, RunStatus, Spec, Trigger, Visibility
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.operations.publication_policy import check_releasable, confirmed
from jupyter_schedule.core.storage.factory import LocalStorage
from jupyter_schedule.core.store.factory import open_store
from tests.engine import DAILY, notebook_of
from tests.factories import NOON, PublicFolders, make_run, make_schedule, make_spec

PRIVATE = make_spec()
PUBLIC = make_spec(visibility=Visibility.PUBLIC)
ANN = Confirmation(by="ann", at=NOON, digest=PUBLIC.digest_looked_at(report=False))
TOKEN = "gh" + "p_" + "a1B2" * 9


def refusal(code: str) -> Any:
    return pytest.raises(Refused, check=lambda refused: refused.code == code)


class TestConfirmed:
    def said(self, before: Spec | None, after: Spec, *, says_so: bool) -> Confirmation | None:
        return confirmed(before, after, by="bo", now=NOON, says_so=says_so).public_confirmed

    def test_who_confirmed_it_is_recorded_with_the_time(self) -> None:
        assert self.said(None, PUBLIC, says_so=True) == ANN.model_copy(update={"by": "bo"})

    def test_public_without_a_word_is_refused_with_what_it_means(self) -> None:
        with refusal("public_unconfirmed") as refused:
            self.said(PRIVATE, PUBLIC, says_so=False)
        assert refused.value.field == "visibility"
        assert "Anyone on the internet can read these files" in refused.value.message

    def test_nobody_can_bring_a_confirmation_along(self) -> None:
        with refusal("public_unconfirmed"):
            self.said(None, PUBLIC.model_copy(update={"public_confirmed": ANN}), says_so=False)

    def test_an_edit_of_something_else_keeps_the_first_confirmation(self) -> None:
        before = PUBLIC.model_copy(update={"public_confirmed": ANN})
        assert self.said(before, PUBLIC.model_copy(update={"timeout": 5}), says_so=False) == ANN

    @pytest.mark.promise("P24")
    @pytest.mark.parametrize(
        "change",
        [
            {"bundle": "f" * 64},
            {"command": "cat /data/raw/* > output/x.csv"},
            {"parameters": {"n": 1}},
            {"output_dir": "raw"},
            {"files": ("raw.csv",)},
            {"env": ("RAW",)},
            {"previous": ("flights",)},
            {"data_role": "all"},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_what_was_not_looked_at_is_confirmed_anew(self, change: dict[str, Any]) -> None:
        """A confirmation is for the code and the folder that somebody saw, and not for whatever follows."""
        before = PUBLIC.model_copy(update={"public_confirmed": ANN})
        after = PUBLIC.model_copy(update=change)
        with refusal("public_unconfirmed"):
            self.said(before, after, says_so=False)
        digest = after.digest_looked_at(report=False)
        assert self.said(before, after, says_so=True) == Confirmation(by="bo", at=NOON, digest=digest)
        assert digest != ANN.digest

    def test_a_confirmation_of_which_nobody_knows_for_what_it_was_given_counts_no_more(self) -> None:
        """Versions from before that was recorded have such ones: any edit asks again."""
        before = PUBLIC.model_copy(update={"public_confirmed": Confirmation(by="ann", at=NOON)})
        assert not before.is_confirmed
        with refusal("public_unconfirmed"):
            self.said(before, PUBLIC.model_copy(update={"timeout": 5}), says_so=False)

    def test_a_report_that_is_public_no_longer_asks_nobody(self) -> None:
        wide = PUBLIC.model_copy(update={"publish_report": True})
        given = ANN.model_copy(update={"digest": wide.digest_looked_at(report=True)})
        before = wide.model_copy(update={"public_confirmed": given})
        assert self.said(before, PUBLIC, says_so=False) == given

    def test_reports_that_become_public_too_are_confirmed_anew(self) -> None:
        before = PUBLIC.model_copy(update={"public_confirmed": ANN})
        with refusal("public_unconfirmed"):
            self.said(before, PUBLIC.model_copy(update={"publish_report": True}), says_so=False)

    def test_what_was_private_in_between_is_confirmed_anew(self) -> None:
        assert self.said(PUBLIC.model_copy(update={"public_confirmed": ANN}), PRIVATE, says_so=True) is None


class TestReleasable:
    def test_a_rehearsal_that_succeeded_needs_no_reason(self) -> None:
        run = make_run(make_schedule(), trigger=Trigger.REHEARSAL, status=RunStatus.SUCCEEDED)
        check_releasable(run, PUBLIC, None)

    @pytest.mark.parametrize("reason", [None, "", "  ", "ok"])
    def test_what_the_check_held_back_needs_a_reason(self, reason: str | None) -> None:
        run = make_run(make_schedule(), status=RunStatus.FAILED, reason=Reason.DISCLOSURE)
        with refusal("reason_needed"):
            check_releasable(run, PUBLIC, reason)
        check_releasable(run, PUBLIC, "Counts of machines.")

    def test_nothing_is_released_of_a_schedule_that_is_private_by_now(self) -> None:
        run = make_run(make_schedule(), status=RunStatus.FAILED, reason=Reason.DISCLOSURE)
        with refusal("not_public"):
            check_releasable(run, PRIVATE, "Counts of machines.")

    @pytest.mark.parametrize("status", [RunStatus.SUCCEEDED, RunStatus.TIMED_OUT, RunStatus.CANCELLED])
    def test_a_run_that_published_or_made_nothing_has_nothing_to_release(self, status: RunStatus) -> None:
        with refusal("nothing_to_publish"):
            check_releasable(make_run(make_schedule(), status=status), PUBLIC, "Counts of machines.")

    def test_a_run_that_still_goes_is_not_released(self) -> None:
        with refusal("run_not_ended"):
            check_releasable(make_run(make_schedule(), status=RunStatus.RUNNING), PUBLIC, None)


class TestCode:
    @pytest.fixture
    def operations(self, tmp_path: Path) -> Iterator[Operations]:
        store = open_store(f"sqlite:///{tmp_path}/ledger.sqlite3", self.now)
        yield Operations(store, LocalStorage(tmp_path / "objects"), now=self.now, storage=PublicFolders())
        store.close()

    def now(self) -> datetime:
        return NOON

    def spec(self, operations: Operations, folder: Path, *cells: str, visibility: Visibility) -> Spec:
        path = folder / "report.ipynb"
        path.write_text(json.dumps(notebook_of(*cells)))
        return build_bundle(
            PackagingRequest(timing=DAILY, notebook=path, visibility=visibility), folder, operations.objects
        ).spec

    def test_a_key_in_a_cell_stops_public_and_not_private(self, operations: Operations, tmp_path: Path) -> None:
        cells = ("x = 1", f"connect('{TOKEN}')")
        with refusal("key_in_code") as refused:
            public = self.spec(operations, tmp_path, *cells, visibility=Visibility.PUBLIC)
            operations.schedules.create("report", public, public_confirmed=True)
        assert refused.value.field == "visibility"
        assert refused.value.message == (
            "Scan found what looks like a key in cell 2. It stays private until that is gone."
        )
        operations.schedules.create("report", self.spec(operations, tmp_path, *cells, visibility=Visibility.PRIVATE))

    def test_a_key_in_a_module_stops_public_too(self, operations: Operations, tmp_path: Path) -> None:
        (tmp_path / "helper.py").write_text(f"TOKEN = '{TOKEN}'\n")
        spec = self.spec(operations, tmp_path, "import helper", visibility=Visibility.PUBLIC)
        with refusal("key_in_code") as refused:
            operations.schedules.create("report", spec, public_confirmed=True)
        assert "helper.py" in refused.value.message

    def test_runs_by_hand_of_a_public_schedule_are_rehearsals_and_so_are_their_retries(
        self, operations: Operations, tmp_path: Path
    ) -> None:
        spec = self.spec(operations, tmp_path, "x = 1", visibility=Visibility.PUBLIC)
        made = operations.schedules.create("report", spec, public_confirmed=True)
        assert made.spec.is_confirmed
        assert made.spec.public_confirmed is not None
        assert (made.spec.public_confirmed.by, made.spec.public_confirmed.at) == ("local", NOON)
        run = operations.runs.run_now("report")
        assert run.trigger == Trigger.REHEARSAL
        operations.store.runs.replace(
            run, run.model_copy(update={"status": RunStatus.CANCELLED, "ended_at": NOON}), actor="scheduler"
        )
        again = operations.runs.retry(run.id)
        assert again.trigger == Trigger.REHEARSAL
        assert again.id != run.id
