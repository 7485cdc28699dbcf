"""Many things at a time, in memory that doesn't grow with their number."""

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

Item = TypeVar("Item")


def side_by_side(items: Iterable[Item], action: Callable[[Item], object], at_a_time: int) -> None:
    """Do `action` with every item in threads; raise the first failure when all that had begun has ended.

    Items are taken in the caller's thread, as they are needed, and none after a failure.
    """
    going: set[Future[object]] = set()
    with ThreadPoolExecutor(at_a_time, thread_name_prefix="objects") as pool:
        try:
            for item in items:
                going.add(pool.submit(action, item))
                # enough to keep all busy
                if len(going) == 2 * at_a_time:
                    going = _settled(going)
            while going:
                going = _settled(going)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _settled(going: set[Future[object]]) -> set[Future[object]]:
    """The futures that still go on when one at least has ended.  Raises what failed."""
    ended, rest = wait(going, return_when=FIRST_COMPLETED)
    for each in ended:
        each.result()
    return rest
