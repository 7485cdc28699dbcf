"""Questions about files in a process apart: what comes back, and what becomes of one that never ends."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core import apart
from jupyter_schedule.core.apart import Children
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.host import Host
from jupyter_schedule.core.models import Kernel


def count(last: int) -> Iterator[tuple[int, int]]:
    """Numbers up to the last one, each with the process that counts."""
    for number in range(1, last + 1):
        yield number, os.getpid()


def never() -> Iterator[int]:
    """First the process, and then nothing."""
    yield os.getpid()
    while True:
        time.sleep(60)


def grow() -> Iterator[int]:
    """More than there is."""
    yield len(bytearray(1 << 40))


def crash() -> Iterator[int]:
    os.kill(os.getpid(), signal.SIGKILL)
    yield 1


def refuse() -> Iterator[int]:
    raise Refused("bad_path", "That isn't a path.", "files")


def fail() -> Iterator[int]:
    yield 1
    raise OSError(28, "No space left on device")


class OddError(Exception):
    """Can't be unpickled."""

    def __init__(self, one: object, other: object) -> None:
        super().__init__(f"{one} {other}")


def be_odd() -> Iterator[int]:
    raise OddError(1, 2)


def tell_much() -> Iterator[bytes]:
    yield bytes(apart.LARGEST + 1)


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    made = Children(limits=(30.0, 1.0))
    yield made
    made.close()


def test_answers_come_one_by_one_from_one_process_that_is_kept(children: Children) -> None:
    told = [*children(count, 3), *children(count, 1)]
    assert [number for number, _ in told] == [1, 2, 3, 1]
    (process,) = {process for _, process in told}
    assert process != os.getpid()


def test_whoever_needs_no_further_answer_leaves_the_process_usable(children: Children) -> None:
    with closing(children(count, 10**9)) as answers:  # type: ignore[type-var]
        _, first = next(answers)
    _, second = next(children(count, 1))
    assert first == second


def test_what_lasts_too_long_is_ended_and_the_next_one_is_answered(children: Children) -> None:
    answers = children(never)
    process = next(answers)
    with pytest.raises(Refused, match="took more than 1 s") as refused:
        next(answers)
    assert (refused.value.code, refused.value.field) == ("takes_too_long", "notebook")
    assert not Path(f"/proc/{process}").exists()
    assert [number for number, _ in children(count, 1)] == [1]


@pytest.mark.parametrize("question", [grow, crash, tell_much])
def test_what_takes_too_much_is_refused_in_one_sentence(children: Children, question: Any) -> None:
    with pytest.raises(Refused, match="make it smaller or simpler") as refused:
        list(children(question))
    assert refused.value.code == "takes_too_much"
    assert [number for number, _ in children(count, 1)] == [1]


def test_a_process_that_died_while_nobody_asked_is_replaced(children: Children) -> None:
    _, process = next(children(count, 1))
    os.killpg(process, signal.SIGKILL)
    ((_, other),) = children(count, 1)
    assert other != process


def test_refusals_and_failures_come_through_as_they_are(children: Children) -> None:
    with pytest.raises(Refused, match=r"That isn't a path\.") as refused:
        list(children(refuse))
    assert (refused.value.code, refused.value.field) == ("bad_path", "files")
    with pytest.raises(OSError, match="No space left") as failed:
        list(children(fail))
    assert failed.value.errno == 28
    with pytest.raises(RuntimeError, match="OddError: 1 2"):
        list(children(be_odd))


def test_no_more_than_a_few_processes_run_at_a_time(children: Children) -> None:
    open_ = [children(count, 1) for _ in range(apart.MOST)]
    assert len({next(each)[1] for each in open_}) == apart.MOST
    assert not children._room.acquire(blocking=False)
    for each in open_:
        each.close()  # type: ignore[attr-defined]


def _refuse_kernels() -> dict[str, Kernel]:
    raise Refused("kernel_missing", "The kernels are elsewhere.")


def test_a_host_travels_with_the_kernels_as_they_are_or_their_refusal(children: Children) -> None:
    team = Kernel(name="team", display_name="Team", argv=("/bin/true",))
    there = Host(lambda: {"team": team}, apart=children)
    assert there.ask(partial(there.portable().find_kernel, "team")) == team
    with pytest.raises(Refused, match="elsewhere"):
        there.ask(Host(_refuse_kernels).portable().find_kernel, "team")
