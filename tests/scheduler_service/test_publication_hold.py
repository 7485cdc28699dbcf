"""What becomes public, what is held back and kept, and who may release it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.config import StorageConfig
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import (
    Approval,
    Confirmation,
    DisclosureReport,
    FindingKind,
    Publication,
    Reason,
    RunStatus,
    Schedule,
    Spec,
    Trigger,
    Visibility,
    disclosure_report_key,
)
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.publication_keys import PublicationKeys
from jupyter_schedule.core.storage.factory import LocalStorage, digest
from scheduler_service import publication_hold
from scheduler_service.decide import End
from scheduler_service.disclosure.files import FileLimits, check_file
from scheduler_service.publication_hold import (
    PublicationStorage,
    WorkerFiles,
    check,
    hold_reason,
    publish_or_hold,
)
from scheduler_service.publishing.fence import PublisherFence
from tests.databases import Clock
from tests.engine import Engine
from tests.factories import NOON, make_run, make_schedule, make_spec, public_spec
from tests.scheduler_service.disclosure import charts
from tests.scheduler_service.publishing.results import result_of
from tests.scheduler_service.stores import MemoryObjects
from tests.simulation.memory_store import MemoryStore

PUBLIC = public_spec()
CLEAN = b"country,clients\nDE,100\n"
RAW = b"user_id,country\n1,DE\n2,FR\n3,DE\n"
PREFIX = "workers/w/t/"


def left(files: dict[str, bytes]) -> WorkerFiles:
    work = MemoryObjects()
    work.content = {f"{PREFIX}output/{path}": data for path, data in files.items()}
    return WorkerFiles(work, PREFIX, FileLimits())


def public_schedule() -> Schedule:
    return make_schedule(spec=PUBLIC)


class TestVerdict:
    def verdict(self, files: dict[str, bytes], **changes: Any) -> Any:
        return hold_reason(make_run(public_schedule(), **changes), PUBLIC, result_of(files), left(files))

    def test_clean_outputs_may_become_public(self) -> None:
        assert self.verdict({"a.csv": CLEAN}) is None

    @pytest.mark.parametrize("changes", [{"bundle": "f" * 64}, {"public_confirmed": Confirmation(by="ann", at=NOON)}])
    def test_a_run_of_code_that_nobody_confirmed_is_held_for_a_look(self, changes: dict[str, Any]) -> None:
        """However its version came to be public: clean files wait for a person all the same."""
        spec, files = PUBLIC.model_copy(update=changes), {"a.csv": CLEAN}
        run = make_run(public_schedule())
        end = hold_reason(run, spec, result_of(files), left(files))
        assert end is not None
        assert (end.status, end.reason) == (RunStatus.FAILED, Reason.DISCLOSURE)
        assert "Nobody has confirmed that what this code makes may be public" in end.message
        looked = run.model_copy(update={"release": Approval(run_id=run.id, by="ann", at=NOON, reason="I looked.")})
        assert hold_reason(looked, spec, result_of(files), left(files)) is None

    def test_a_finding_ends_the_run_with_its_place_in_the_first_sentence(self) -> None:
        end = self.verdict({"a.csv": CLEAN, "b.csv": RAW})
        assert (end.status, end.reason) == (RunStatus.FAILED, Reason.DISCLOSURE)
        assert end.message.startswith("Not published. “output/b.csv”, column 1 (“user_id”): a column that tells single")

    def test_a_rehearsal_succeeds_unpublished_and_says_how_many_things_were_found(self) -> None:
        end = self.verdict({"b.csv": RAW}, trigger=Trigger.REHEARSAL)
        assert end.status == RunStatus.SUCCEEDED
        assert end.message.endswith("until you publish them. The disclosure check would hold them back: 1 finding.")

    def test_a_file_that_was_changed_after_the_run_is_not_trusted(self) -> None:
        run = make_run(public_schedule())
        end = hold_reason(run, PUBLIC, result_of({"a.csv": CLEAN}), left({"a.csv": CLEAN[::-1]}))
        assert end is not None
        assert end.reason == Reason.DISCLOSURE


class TestCheck:
    def test_a_file_is_looked_at_once_whatever_fails_after_that(self, monkeypatch: pytest.MonkeyPatch) -> None:
        looked: list[str] = []
        real = check_file

        def counting(path: str, *rest: Any) -> Any:
            looked.append(path)
            return real(path, *rest)

        monkeypatch.setattr(publication_hold, "check_file", counting)
        files, run = left({"a.csv": RAW, "b.csv": CLEAN}), make_run(public_schedule())
        first = check(run, PUBLIC, result_of({"a.csv": RAW, "b.csv": CLEAN}), files)
        again = check(run, PUBLIC, result_of({"a.csv": RAW, "b.csv": CLEAN}), files)
        assert looked == ["output/a.csv", "output/b.csv"]
        assert first == again

    def test_other_rules_look_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        files, run = left({"a.csv": b"country,clients\nDE,9\n"}), make_run(public_schedule())
        result = result_of({"a.csv": b"country,clients\nDE,9\n"})
        assert check(run, PUBLIC, result, files).findings == ()
        stricter = WorkerFiles(files.work, files.prefix, FileLimits(smallest_cell=10))
        assert check(run, PUBLIC, result, stricter).findings

    def test_reports_are_looked_at_only_where_they_are_published(self) -> None:
        files, run = left({}), make_run(public_schedule())
        files.work.put(f"{PREFIX}report/log.txt", b"mail to ana@firma.de\n")
        result = result_of({})
        report = result_of({"log.txt": b"mail to ana@firma.de\n"}).files
        result = result.model_copy(update={"report": report})
        assert check(run, PUBLIC, result, files).findings == ()
        (finding,) = check(run, PUBLIC.model_copy(update={"publish_report": True}), result, files).findings
        assert (finding.kind, finding.path) == (FindingKind.EMAIL, "report/log.txt")


class TestHoverData:
    PAGE = charts.plotly().encode()

    def report(self, files: dict[str, bytes]) -> DisclosureReport:
        return check(make_run(public_schedule()), PUBLIC, result_of(files), left(files))

    def test_it_is_said_where_all_that_was_found_goes_with_it(self) -> None:
        assert self.report({"a.html": self.PAGE, "b.csv": CLEAN}).only_hover_data
        assert not self.report({"a.html": self.PAGE, "b.csv": RAW}).only_hover_data
        assert not self.report({"b.csv": CLEAN}).only_hover_data
        assert not self.report({"a.html": charts.plotly(x=charts.MAILS).encode()}).only_hover_data
        assert not self.report({"a.html": self.PAGE.replace(b"day", b"d\xe4y")}).only_hover_data

    def test_a_page_that_was_changed_since_is_not_copied(self) -> None:
        files = left({"a.html": self.PAGE[::-1]})
        assert not check(make_run(public_schedule()), PUBLIC, result_of({"a.html": self.PAGE}), files).only_hover_data

    def released(self, content: dict[str, bytes]) -> tuple[End, Publication | None, MemoryObjects]:
        store, area = MemoryStore(Clock()), MemoryObjects()
        schedule = public_schedule()
        store.schedules.add(schedule)
        run = make_run(schedule, status=RunStatus.PUBLISHING, attempt=1)
        release = Approval(run_id=run.id, by="ann", at=NOON, without_hover_data=True)
        run = run.model_copy(update={"release": release})
        store.runs.add(run, actor="service")
        spec = PUBLIC.model_copy(update={"publish_report": True})
        spec = spec.model_copy(
            update={"public_confirmed": Confirmation(by="a", at=NOON, digest=spec.digest_looked_at(report=True))}
        )
        files = left(content)
        files.work.put(f"{PREFIX}report/page.html", self.PAGE)
        result = result_of(content).model_copy(update={"report": result_of({"page.html": self.PAGE}).files})
        end, publication = publish_or_hold(
            run,
            spec,
            schedule.model_copy(update={"spec": spec}),
            result,
            PublisherFence(store.publications, run, schedule),
            files=files,
            storage=PublicationStorage(lambda _: area, StorageConfig(), NOON),
        )
        return end, publication, area

    def test_the_copy_is_published_and_other_files_are_as_they_were(self) -> None:
        end, publication, area = self.released({"a.html": self.PAGE, "b.csv": CLEAN})
        assert (end.status, end.message) == (
            RunStatus.SUCCEEDED,
            "Published by ann, without the hover data of its charts.",
        )
        assert publication
        pages = [area.get(each.key) for each in area.list() if each.key.endswith((".html", ".csv"))]
        assert CLEAN in pages
        assert sum(b"Plotly" in page for page in pages) == 3
        assert not any(b"firma" in page for page in pages)
        assert publication.files[0].sha256 == digest(area.get("daily/data/a.html"))

    def test_what_is_found_elsewhere_holds_all_of_it_back(self) -> None:
        end, publication, area = self.released({"a.html": self.PAGE, "b.csv": RAW})
        assert (end.reason, publication, list(area.list())) == (Reason.DISCLOSURE, None, [])
        assert end.message.startswith("Not published. “output/b.csv”, column 1 (“user_id”)")


def test_what_was_made_private_while_it_ran_is_never_written_where_everybody_can_read(tmp_path: Path) -> None:
    """Nor is it looked at for what mustn't become public, and held back for that."""
    store, areas = MemoryStore(Clock()), {"public": MemoryObjects(), "private": MemoryObjects()}
    spec = public_spec(publication_base="public")
    schedule = make_schedule(spec=spec)
    store.schedules.add(schedule)
    private = spec.model_copy(update={"visibility": Visibility.PRIVATE, "publication_base": "private"})
    turned = schedule.model_copy(update={"version": 2, "spec": private})
    assert store.schedules.replace(schedule, turned, actor="ann", kind=None)
    run = make_run(schedule, status=RunStatus.PUBLISHING, attempt=1)
    store.runs.add(run, actor="service")
    opened: list[str] = []

    def open_area(address: str) -> MemoryObjects:
        opened.append(address)
        return areas[address]

    end, publication = publish_or_hold(
        run,
        spec,
        turned,
        result_of({"rows.csv": RAW}),
        PublisherFence(store.publications, run, turned),
        files=left({"rows.csv": RAW}),
        storage=PublicationStorage(open_area, StorageConfig(), NOON),
    )
    assert (end.status, opened) == (RunStatus.SUCCEEDED, ["private"])
    assert areas["private"].get("daily/data/rows.csv") == RAW
    assert publication is not None
    assert store.publications.list_owed()[0].publishers == 0


@pytest.mark.parametrize("base", ["file:///published", "s3://published"])
def test_the_number_of_files_counts_only_where_each_of_them_costs(base: str) -> None:
    store, area = MemoryStore(Clock()), MemoryObjects()
    spec = make_spec(visibility=Visibility.PRIVATE, publication_base=base)
    schedule = make_schedule(spec=spec)
    store.schedules.add(schedule)
    run = make_run(schedule, status=RunStatus.PUBLISHING, attempt=1)
    store.runs.add(run, actor="service")
    files = {f"{number}.txt": b"" for number in range(1001)}
    end, publication = publish_or_hold(
        run,
        spec,
        schedule,
        result_of(files),
        PublisherFence(store.publications, run, schedule),
        files=left(files),
        storage=PublicationStorage(lambda _: area, StorageConfig(most_files=1000), NOON),
    )
    if base.startswith("s3:"):
        assert (end.reason, publication) == (Reason.PUBLISHING, None)
    else:
        assert end.status is RunStatus.SUCCEEDED
        assert "$" not in end.message
        assert publication
        assert len(publication.files) == 1001


class Public(Engine):
    """A deployment whose operator set up a public area: a folder that a web server shows."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.area = LocalStorage(folder / "public", "https://r.org/")
        storage = StorageConfig(public=f"{folder}/public", public_base="https://r.org")
        self.operations = Operations(self.store, self.objects, storage=storage)

    def public_script(self, name: str, text: str, **changes: Any) -> Schedule:
        """As `script`, public once it is confirmed."""
        made = self.script(name, text)
        spec = made.spec.model_copy(update={"visibility": Visibility.PUBLIC} | changes)
        spec = self.operations.schedules.with_storage(spec)
        return self.operations.schedules.edit(
            name, Spec.model_validate(spec.model_dump()), if_version=1, public_confirmed=True
        )


@pytest.fixture
def public(tmp_path: Path) -> Iterator[Public]:
    engine = Public(tmp_path)
    yield engine
    engine.store.close()


WRITES = 'mkdir -p output; printf "{}" > output/table.csv'
GOOD = WRITES.format(r"country,clients\\nDE,100\\n")
BAD = WRITES.format(r"user_id,visits\\n17,8\\n18,9\\n19,10\\n")


@pytest.mark.promise("P24")
def test_a_public_schedule_run_by_hand_publishes_nothing_until_a_person_releases_it(public: Public) -> None:
    public.public_script("daily", GOOD)
    with public.service():
        rehearsal = public.ended(public.operations.runs.run_now("daily"))
        assert (rehearsal.status, rehearsal.trigger) == (RunStatus.SUCCEEDED, Trigger.REHEARSAL)
        assert "private until you publish them" in (rehearsal.message or "")
        assert list(public.area.list()) == []
        assert public.operations.files.read(rehearsal, "output/table.csv") == b"country,clients\nDE,100\n"

        released = public.ended(public.operations.publications.approve(rehearsal.id))
    assert (released.status, released.message) == (RunStatus.SUCCEEDED, "Published by local.")
    assert public.area.get(f"{PublicationKeys('daily').data}table.csv") == b"country,clients\nDE,100\n"
    assert released.publication
    assert released.publication.url == "https://r.org/daily/data/"
    assert public.operations.files.read(released, "output/table.csv") == b"country,clients\nDE,100\n"
    kinds = [event.kind for event in public.store.events(0) if event.run_id == released.id]
    assert kinds == ["run_released", "run_publishing", "run_succeeded"]
    assert len(public.operations.runs.list_attempts(rehearsal)) == 1


def test_what_is_found_keeps_results_private_until_a_named_person_gives_a_reason(public: Public) -> None:
    public.public_script("daily", BAD)
    with public.service():
        rehearsal = public.ended(public.operations.runs.run_now("daily"))
        held = public.ended(public.operations.publications.approve(rehearsal.id))
        assert (held.status, held.reason) == (RunStatus.FAILED, Reason.DISCLOSURE)
        assert [finding.kind for finding in public.operations.files.checked(held).findings] == [FindingKind.ROW_LEVEL]
        assert list(public.area.list()) == []
        with pytest.raises(Refused, check=lambda refused: refused.code == "reason_needed"):
            public.operations.publications.approve(held.id)

        done = public.ended(public.operations.publications.approve(held.id, "Numbers of machines, not of people."))
    assert done.status == RunStatus.SUCCEEDED
    assert done.message == (
        "Published by local, although the disclosure check held them back: Numbers of machines, not of people."
    )
    assert done.release is not None
    assert (done.release.by, done.release.run_id) == ("local", rehearsal.id)
    assert public.area.size(f"{PublicationKeys('daily').data}table.csv")


def test_a_person_publishes_charts_without_hover_data_and_needs_no_reason(public: Public) -> None:
    page = charts.plotly()
    public.public_script("daily", f"{GOOD}; cat > output/a.html << 'END'\n{page}\nEND")
    with public.service():
        rehearsal = public.ended(public.operations.runs.run_now("daily"))
        held = public.ended(public.operations.publications.approve(rehearsal.id))
        assert (held.reason, list(public.area.list())) == (Reason.DISCLOSURE, [])
        done = public.ended(public.operations.publications.approve(held.id, without_hover_data=True))
    assert done.status == RunStatus.SUCCEEDED
    published = public.area.get(f"{PublicationKeys('daily').data}a.html")
    assert (b"firma" in published, b"2026-01-07" in published) == (False, True)
    assert public.operations.files.read(done, "output/a.html").decode().strip() == page


@pytest.mark.promise("P24")
def test_executed_notebook_and_log_are_published_only_where_that_is_ticked(public: Public) -> None:
    public.public_script("daily", f"{GOOD}; echo said", publish_report=True)
    with public.service():
        rehearsal = public.ended(public.operations.runs.run_now("daily"))
        run = public.ended(public.operations.publications.approve(rehearsal.id))
    (manifest,) = [each.key for each in public.area.list() if each.key.endswith("manifest.json")]
    assert [file["path"] for file in json.loads(public.area.get(manifest))["report"]] == ["log.txt"]
    assert b"said" in public.area.get(manifest.replace("manifest.json", "report/log.txt"))
    assert run.publication is not None


def test_a_private_schedule_is_not_looked_at(public: Public) -> None:
    public.script("daily", BAD)
    with public.service():
        run = public.ended(public.run("daily"))
    assert run.status == RunStatus.SUCCEEDED
    assert public.objects.get_or_none(disclosure_report_key(run.id)) is None


def test_only_the_owner_may_release(public: Public) -> None:
    public.public_script("daily", GOOD)
    with public.service():
        rehearsal = public.ended(public.operations.runs.run_now("daily"))
    others = Operations(public.store, public.objects, owner="somebody-else")
    with pytest.raises(Refused, check=lambda refused: refused.code == "no_such_run"):
        others.publications.approve(rehearsal.id, "because")
