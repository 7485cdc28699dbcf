"""What publishing will cost is said by what tells best how many files there will be."""

from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.config import StorageConfig
from jupyter_schedule.core.models import (
    FileEntry,
    Publication,
    PublishedFile,
    Reason,
    Result,
    Run,
    RunStatus,
    Schedule,
    Trigger,
    Visibility,
)
from jupyter_schedule.core.operations.costs import cost_before
from tests.factories import NOON, make_run, make_schedule, make_spec

SCHEDULE = make_schedule()
FILE = FileEntry(path="a", size=0, sha256="0" * 64)
PUBLISHED = PublishedFile(path="a", size=0, sha256="0" * 64, url="")


class Told:
    """Of the operations what is asked here: runs from memory, and what one of them left."""

    def __init__(self, *runs: Run, left: int = 0, most: int = 10) -> None:
        self.storage = StorageConfig(most_files=most)
        self._runs = list(runs)
        self._left = left
        self.runs = self.files = self

    def newest_of_each(self, schedules: list[Schedule], per_schedule: int) -> dict[str, list[Run]]:
        return {schedules[0].id: self._runs[:per_schedule]}

    def result(self, run: Run) -> Result:
        return Result(
            outcome="finished", reason=Reason.OK, sentence="", started_at=NOON, ended_at=NOON, seconds=1,
            files=(FILE,) * self._left,
        )  # fmt: skip


def told(operations: Told, **spec: Any) -> str:
    made = make_spec(**{"publication_base": "s3://bucket/private"} | spec)
    return cost_before(operations, made, SCHEDULE)  # type: ignore[arg-type]


def published(count: int) -> Run:
    publication = Publication(url="s3://bucket/", files=(PUBLISHED,) * count)
    return make_run(SCHEDULE, status=RunStatus.SUCCEEDED, reason=Reason.OK, publication=publication)


FAILED = make_run(SCHEDULE, status=RunStatus.FAILED, reason=Reason.CELL_FAILED)
HELD = make_run(SCHEDULE, status=RunStatus.FAILED, reason=Reason.DISCLOSURE)
REHEARSED = make_run(SCHEDULE, status=RunStatus.SUCCEEDED, reason=Reason.OK, trigger=Trigger.REHEARSAL)


def test_the_last_run_that_left_files_tells() -> None:
    assert told(Told(FAILED, published(3), published(9))).startswith("The last run left 3 files; publishing 3 files")


@pytest.mark.parametrize("run", [HELD, REHEARSED])
def test_so_does_one_whose_files_were_kept_back(run: Run) -> None:
    assert told(Told(run, published(3), left=7)).startswith("The last run left 7 files; ")


def test_one_with_more_files_than_may_be_published_is_told_as_its_own_message_did() -> None:
    assert told(Told(published(11))) == (
        "The last run left 11 files, and 10 may be published (publishing 11 files costs less than $0.01 for requests "
        "alone, each time): pack them into one, or have an operator raise storage.most_files."
    )


def test_before_a_run_the_output_folder_tells(tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "output" / "deep"
    folder.mkdir(parents=True)
    for name in ("a", "b"):
        (folder / name).touch()
    here = {"root": str(tmp_path), "source": "reports/n.ipynb", "notebook": "n.ipynb"}
    assert told(Told(), **here).startswith("The folder output holds 2 files; ")
    assert told(Told(), **here | {"root": "/nowhere"}).startswith("A run's files are counted")


@pytest.mark.parametrize(
    ("expect", "words"),
    [
        (("a.csv rows>=1", "b.csv", "a.csv bytes>=9"), "The output contract names 2 files; "),
        (("a.csv", "day*.csv"), "A run's files are counted when it has ended: publishing 1,000 files costs about"),
        ((), "A run's files are counted when it has ended: "),
    ],
)
def test_then_the_contract_and_else_what_would_be_counted(expect: tuple[str, ...], words: str) -> None:
    assert told(Told(), expect=expect).startswith(words)


def test_where_files_cost_nothing_nothing_is_said() -> None:
    assert told(Told(published(3)), publication_base="file:///published") == ""
    assert told(Told(published(3)), visibility=Visibility.NONE) == ""
