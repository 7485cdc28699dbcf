"""What goes and what stays, in words."""

from datetime import timedelta
from typing import Any

import pytest

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Publication, PublishedFile, RunStatus, Trigger, Visibility, Withdrawal
from jupyter_schedule.core.operations.removal import (
    check_there,
    live_publication,
    on_deletion,
    public_name,
    removed,
    still_public,
)
from tests.factories import NOON, make_run, make_schedule, make_spec

DAY = timedelta(days=1)
PUBLIC = make_spec(visibility=Visibility.PUBLIC)
FILE = PublishedFile(path="a.csv", size=1, sha256="0" * 64, url="file:///p/runs/1/files/a.csv")
PUBLICATION = Publication(url="file:///p/data/", files=(FILE,))


@pytest.mark.parametrize(
    ("after", "sentence"),
    [
        (90 * DAY, "Its files were removed after 90 days."),
        (DAY, "Its files were removed after 1 day."),
        (DAY / 2, "Its files were removed."),
    ],
)
def test_that_files_went_is_said_with_the_days_that_they_were_kept(after: timedelta, sentence: str) -> None:
    run = make_run(make_schedule(), status=RunStatus.SUCCEEDED, ended_at=NOON, pruned_at=NOON + after)
    assert removed(run) == sentence
    with pytest.raises(Refused, match=sentence) as refused:
        check_there(run)
    assert refused.value.code == "files_removed"


def test_of_files_that_are_there_nothing_is_said() -> None:
    run = make_run(make_schedule(), publication=PUBLICATION)
    assert removed(run) is None
    assert live_publication(run) == PUBLICATION
    check_there(run)


def test_where_readers_look_stays_and_a_rehearsal_had_no_such_place() -> None:
    run = make_run(make_schedule(), publication=PUBLICATION, pruned_at=NOON)
    assert live_publication(run) == Publication(url="file:///p/data/")
    assert live_publication(run.model_copy(update={"trigger": Trigger.REHEARSAL})) is None


def test_who_deletes_is_told_what_goes_and_what_stays() -> None:
    assert on_deletion("file:///p/data/").startswith("Its published results stay at file:///p/data/. The logs")
    assert on_deletion("").startswith("Its published results stay. The logs and files of its runs go a day")
    assert on_deletion(None).startswith("It published nothing. The logs and files of its runs go ")


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({}, "may still be public: nobody has tried to withdraw it yet. A service does that by itself."),
        ({"remaining": 3, "trouble": "S3 is away."}, "is still public: 3 files, tried at {at}, because S3 is away. A"),
        ({"remaining": 1}, "is still public: 1 file, tried at {at}. A service tries again by itself."),
        ({"trouble": "S3 is away."}, "may still be public: tried at {at}, because S3 is away. A service tries again"),
        ({"remaining": 0}, "had nothing public any more at {at}. A service looks again until nobody is left"),
    ],
)
def test_what_is_still_public_is_told_with_its_number_its_last_try_and_why(known: dict[str, Any], said: str) -> None:
    tried = {"tried_at": NOON} if known else {}
    owed = Withdrawal(
        schedule_id="1", schedule="flights", area="s3://bucket", version=2, owed_since=NOON, **tried | known
    )
    assert f"“flights” {said.format(at='2026-11-24T12:00:00Z')}" in still_public(owed)


def test_who_deletes_a_public_schedule_is_told_how_to_withdraw_it() -> None:
    said = on_deletion("https://results/daily/data/", public_name(make_schedule(spec=PUBLIC)))
    assert said.startswith("Its published results stay at https://results/daily/data/ for everybody. To withdraw")
    assert "private before you delete it; later an operator can: python -m scheduler_service unpublish daily." in said
    assert said.endswith(on_deletion(None).partition(". ")[2])
    assert public_name(make_schedule()) is None


def test_an_operator_is_told_whose_it_is_where_many_share_the_ledger() -> None:
    said = on_deletion("https://results/", public_name(make_schedule(owner="ann b", spec=PUBLIC)))
    assert "unpublish daily --owner 'ann b'." in said
