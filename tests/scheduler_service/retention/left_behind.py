"""What the daily runs of one schedule left behind, for the tests of what removes it."""

from typing import Any

from jupyter_schedule.core.models import LOCAL_OWNER, Run, RunStatus, disclosure_report_key
from jupyter_schedule.core.object_keys import brief_key, bundle_key, gate_key, worker_prefix
from jupyter_schedule.core.storage.factory import ObjectStorage
from scheduler_service.publishing.publish import name_run_folder, publish
from scheduler_service.retention.prune import Pruner
from scheduler_service.retention.rules import RetentionRule
from scheduler_service.task import token_of
from tests.databases import Clock
from tests.factories import NOON, make_schedule, make_spec
from tests.scheduler_service.publishing.results import (
    DAY,
    KEYS,
    assert_readers_find_what_latest_points_at,
    due_on,
    result_of,
)
from tests.simulation.memory_store import MemoryStore

KEEP = RetentionRule(3, 2)
FILES = {"same.csv": b"1", "day.csv": b"2"}


class Deployment:
    """Daily runs of one schedule with all that they leave behind, in stores that a test chooses."""

    def __init__(self, work: ObjectStorage, area: ObjectStorage, days: int = 6, owner: str = LOCAL_OWNER) -> None:
        self.store = MemoryStore(Clock())
        self.work, self.area = work, area
        self.schedule = make_schedule("flights", owner=owner, spec=make_spec(publication_base="area"))
        self.store.schedules.add(self.schedule)
        work.put(bundle_key("0" * 64), b"bundle")
        self.runs = [self.ran(day) for day in range(days)]
        self.now = NOON + days * DAY

    def ran(self, day: int, **changes: Any) -> Run:
        """A run that left a result, files, a log and a brief, was checked, and published."""
        end = NOON + day * DAY
        ended = {"status": RunStatus.SUCCEEDED, "attempt": 2, "ended_at": end}
        run = due_on(day, owner=self.schedule.owner, **ended, **changes)
        self.store.runs.add(run, actor="service")
        result = result_of(FILES)
        for number in (1, 2):
            token = token_of(self.store.secret(), run.id, number)
            place = worker_prefix("local", token)
            self.work.put(gate_key(token), b"{}")
            self.work.put(brief_key(token), b"{}")
            self.work.put(f"{place}live/log.0", b"hello")
            for path, data in FILES.items():
                self.work.put(f"{place}output/{path}", data)
            self.work.put(f"{place}result", result.model_dump_json().encode())
        self.work.put(disclosure_report_key(run.id), b"{}")
        publish(run, result, self.work, worker_prefix("local", token), self.area, end)
        return run

    def pruning(self, work: ObjectStorage | None = None, area: ObjectStorage | None = None) -> Pruner:
        return Pruner(self.store, work or self.work, lambda _: area or self.area, KEEP)

    def prune(self, pruning: Pruner | None = None) -> None:
        """A whole pass."""
        pruning = pruning or self.pruning()
        plan = pruning.plan(self.now)
        for batch in plan.batches():
            pruning.remove(batch)
        pruning.remove_loose(plan.loose)

    def with_files(self) -> list[str]:
        """The runs that have files, as they were due."""
        return [run.id for run in reversed(self.store.runs.list_with_files(self.schedule.id))]

    def left(self) -> dict[str, bytes]:
        """Everything in both stores."""
        return {stored.key: store.get(stored.key) for store in (self.work, self.area) for stored in store.list()}

    def assert_nothing_is_half(self) -> None:
        """A result has all its files, a manifest too, and what latest.json points at is whole."""
        work = {stored.key for stored in self.work.list("workers/")}
        for key in work:
            if key.endswith("/result"):
                assert {key.removesuffix("result") + f"output/{path}" for path in FILES} <= work
        area = {stored.key for stored in self.area.list()}
        for run in self.runs:
            if KEYS.manifest(name_run_folder(run)) in area:
                assert {KEYS.run_files(name_run_folder(run)) + path for path in FILES} <= area
        assert_readers_find_what_latest_points_at(self.area)

    def assert_said(self) -> None:
        """Of whatever isn't whole any more the ledger says so."""
        work = {stored.key for stored in self.work.list("workers/")}
        for run in self.store.tables.runs.values():
            token = token_of(self.store.secret(), run.id, 2)
            if worker_prefix("local", token) + "result" not in work:
                assert run.pruned_at is not None
