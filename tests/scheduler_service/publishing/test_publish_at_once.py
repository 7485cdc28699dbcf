"""Services that publish at once, that die and start again, leave what the newest run wrote."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_schedule.core.models import utc_text
from scheduler_service.publishing.publish import name_run_folder
from tests.factories import NOON
from tests.scheduler_service.publishing.results import (
    DAY,
    KEYS,
    assert_readers_find_what_latest_points_at,
    data_of,
    document,
    due_on,
    publish_files,
)
from tests.scheduler_service.stores import WRITES, Died, Dying, MemoryObjects, Watched, Writes, take_turns


@pytest.mark.parametrize("moment", ["before", "after"])
def test_whoever_dies_at_any_write_and_starts_again_ends_where_nobody_died(moment: str) -> None:
    yesterday, today = {"weekly.csv": b"old", "1.csv": b"1"}, {"weekly.csv": b"new", "2.csv": b"2"}
    smooth = MemoryObjects()
    publish_files(due_on(0), yesterday, smooth)
    counted = Writes(smooth)
    publish_files(due_on(1), today, counted)
    assert len(counted.keys) == 10

    for write in range(len(counted.keys)):
        area = MemoryObjects()
        publish_files(due_on(0), yesterday, area)
        with pytest.raises(Died):
            publish_files(due_on(1), today, Dying(area, write, moment))
        assert_readers_find_what_latest_points_at(area)
        publish_files(due_on(1), today, area)
        assert area.content == smooth.content, f"died {moment} the write of {counted.keys[write]}"


def test_of_two_publishers_of_one_run_the_first_ones_manifest_stays() -> None:
    """Readers may have it already, and what is published never changes."""
    area, run = MemoryObjects(), due_on(0)
    manifest = KEYS.manifest(name_run_folder(run))

    class Second(Watched):
        def before(self, method: str, key: str) -> None:
            if method in WRITES and key == manifest and manifest not in area.content:
                publish_files(run, {"a.csv": b"1"}, area)

    publish_files(run, {"a.csv": b"1"}, Second(area), run.scheduled_for + DAY)
    assert document(area, manifest)["published_at"] == utc_text(run.scheduled_for)


def test_a_run_that_never_came_back_is_put_in_place_by_the_next_one() -> None:
    area = MemoryObjects()
    claims = KEYS.data_index
    publish_files(due_on(0), {"weekly.csv": b"old"}, area)
    dying = Dying(area, 3, "after")  # two files, the manifest, the claims
    with pytest.raises(Died):
        publish_files(due_on(1), {"weekly.csv": b"new", "1.csv": b"1"}, dying)
    assert data_of(area) == {"weekly.csv": b"old"}
    assert document(area, claims)["unfinished"] == {due_on(1).id: utc_text(NOON + DAY)}

    publish_files(due_on(2), {"2.csv": b"2"}, area)
    assert data_of(area) == {"weekly.csv": b"new", "1.csv": b"1", "2.csv": b"2"}
    assert document(area, claims)["unfinished"] == {}


def test_who_began_less_than_a_day_ago_may_still_be_alive_and_stays_on_the_list() -> None:
    area = MemoryObjects()
    publish_files(due_on(0), {"weekly.csv": b"old"}, area)
    with pytest.raises(Died):
        publish_files(due_on(1), {"weekly.csv": b"new"}, Dying(area, 2, "after"))

    publish_files(due_on(2, scheduled_for=NOON + DAY + timedelta(hours=1)), {"2.csv": b"2"}, area)

    assert data_of(area) == {"weekly.csv": b"new", "2.csv": b"2"}
    assert list(document(area, KEYS.data_index)["unfinished"]) == [due_on(1).id]


def test_claims_whose_files_went_with_their_run_are_left_as_they_are() -> None:
    area = MemoryObjects()
    publish_files(due_on(5), {"weekly.csv": b"new"}, area)
    for stored in list(area.list("flights/runs/")):
        area.delete(stored.key)
    index = document(area, KEYS.data_index)
    area.put(KEYS.data_index, json.dumps(index | {"unfinished": {due_on(5).id: utc_text(NOON)}}).encode())

    publish_files(due_on(1), {"weekly.csv": b"old"}, area)
    assert data_of(area) == {"weekly.csv": b"new"}


CONTENT = st.sampled_from([b"A", b"B", b"C"])


@pytest.mark.promise("P23")
@settings(max_examples=150, deadline=None)
@given(
    contents=st.tuples(CONTENT, CONTENT, CONTENT, CONTENT),
    moves=st.lists(st.tuples(st.integers(0, 2), st.sampled_from([False] * 9 + [True])), max_size=160),
)
def test_runs_that_publish_at_once_end_with_the_newest_bytes(
    contents: tuple[bytes, bytes, bytes, bytes],
    moves: list[tuple[int, bool]],
) -> None:
    """Whatever the order of their steps, also when some die and start again; and latest never goes backwards."""
    area = MemoryObjects()
    publish_files(due_on(0), {"weekly.csv": contents[0]}, area)
    seen = [utc_text(NOON)]

    def observe() -> None:
        seen.append(assert_readers_find_what_latest_points_at(area))
        assert seen[-2] <= seen[-1]

    def play(day: int) -> Any:
        return lambda store: publish_files(due_on(day), {"weekly.csv": contents[day], f"{day}.csv": b"own"}, store)

    take_turns(area, [play(2), play(1), play(3)], moves, observe)

    assert data_of(area) == {"weekly.csv": contents[3], "1.csv": b"own", "2.csv": b"own", "3.csv": b"own"}
    index = document(area, KEYS.data_index)
    assert index["unfinished"] == {}
    assert index["files"]["weekly.csv"]["run"] == due_on(3).id
    assert seen[-1] == utc_text(NOON + 3 * DAY)
    page = area.get(KEYS.page).decode()
    assert all(name_run_folder(due_on(day)) in page for day in range(4))


def test_an_older_run_overtaken_in_the_middle_of_a_copy_puts_the_newer_bytes_back() -> None:
    area = MemoryObjects()
    older_weekly = {"weekly.csv": b"older"}

    class Overtaken(Writes):
        def before(self, method: str, key: str) -> None:
            if method == "copy_from" and key == KEYS.data + "weekly.csv" and not self.keys.count(key):
                publish_files(due_on(2), {"weekly.csv": b"newer"}, area)

    publish_files(due_on(1), older_weekly, Overtaken(area))
    assert data_of(area) == {"weekly.csv": b"newer"}
    assert document(area, KEYS.latest)["run"] == due_on(2).id
