"""Many due at once start in the order in which they came, a few at a time, on real workers."""

from datetime import timedelta
from pathlib import Path

from jupyter_schedule.core.models import ConcurrencyLimits
from tests.crowd import farthest, gather, story
from tests.engine import Engine, eventually
from tests.factories import NOON

CROWD = 24


def test_a_crowd_is_let_in_in_order_and_never_more_at_once_than_there_is_room_for(tmp_path: Path) -> None:
    """All are due while nobody ticks.  Launches are side by side, so on a busy machine some may overtake others."""
    clock = [NOON]
    engine = Engine(tmp_path, now=lambda: clock[0])
    gather(engine, CROWD, NOON + timedelta(seconds=1))
    clock[0] += timedelta(seconds=2)
    with engine.service():
        told = eventually(lambda: s if (s := story(engine.store)).ended == CROWD else None, what="the end of the crowd")
    assert len(told.started) == len(told.came) == CROWD
    assert told.most <= ConcurrencyLimits().total
    assert farthest(told) < CROWD / 2
    assert all(engine.published(f"crowd-{n}") == {"x": "1\n"} for n in range(CROWD))
