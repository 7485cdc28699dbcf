"""What makes a world one of many people and of replicas that differ.

All of it is drawn from a stream of its own, so that the other worlds stay as they are.
"""

import random
from dataclasses import dataclass

from jupyter_schedule.core import key_patterns
from jupyter_schedule.core.bundles.record import BundleRecord
from jupyter_schedule.core.config import StorageConfig

#: how many worlds are of that kind
SHARE = 0.1
OWNERS = tuple(f"owner-{number:02}" for number in range(12))
STORAGE = StorageConfig(
    private="s3://private/results", public="s3://public/results", public_base="https://results.example.org/"
)
#: the bundle of all schedules
BUNDLE = "0" * 64
RECORD = BundleRecord(bundle=BUNDLE, key_patterns=key_patterns.digest_patterns(), files={}).model_dump_json().encode()


@dataclass(frozen=True)
class Replica:
    """How a service is set up, and where it lives."""

    #: runs that may go at once, in all, as its settings say
    room: int
    launchers: tuple[str, ...]
    #: no byte is free where it writes
    is_full: bool = False


def draw_launchers(crowd: random.Random) -> tuple[str, ...]:
    """What runs may need."""
    return ("local", "ec2") if crowd.random() < 0.5 else ("local",)


def draw_replicas(crowd: random.Random, launchers: tuple[str, ...]) -> list[Replica]:
    """Two or three; the first is whole, the others differ in at most one thing each."""
    whole = Replica(crowd.choice((1, 2, 4)), launchers)
    differing = (
        whole,
        Replica(max(1, whole.room // 2), launchers),
        Replica(whole.room, launchers[:1]),
        Replica(whole.room, launchers, is_full=True),
    )
    return [whole, *(crowd.choice(differing) for _ in range(crowd.choice((1, 2))))]
