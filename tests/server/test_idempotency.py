"""A request that is sent again is carried out once."""

import asyncio

import pytest

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.server.idempotency import IdempotencyCache


class Counter:
    """Carries out, and counts."""

    def __init__(self) -> None:
        self.done = 0

    async def __call__(self) -> int:
        await asyncio.sleep(0)
        self.done += 1
        return self.done


def test_the_same_key_gets_the_same_answer_also_at_the_same_time() -> None:
    async def play() -> None:
        remembered, counter = IdempotencyCache[int](), Counter()
        assert await asyncio.gather(*(remembered.once("k", b"b", counter) for _ in range(3))) == [1, 1, 1]
        assert await remembered.once("k", b"b", counter) == 1
        assert await remembered.once("other", b"b", counter) == 2

    asyncio.run(play())


def test_a_key_that_comes_with_another_body_is_refused() -> None:
    async def play() -> None:
        remembered, counter = IdempotencyCache[int](), Counter()
        await remembered.once("k", b"b", counter)
        with pytest.raises(Refused) as refused:
            await remembered.once("k", b"c", counter)
        assert refused.value.code == "idempotency_key_reused"

    asyncio.run(play())


def test_a_refusal_is_not_remembered() -> None:
    async def refuse() -> int:
        raise Refused("no", "No.")

    async def play() -> None:
        remembered, counter = IdempotencyCache[int](), Counter()
        with pytest.raises(Refused):
            await remembered.once("k", b"b", refuse)
        assert await remembered.once("k", b"b", counter) == 1

    asyncio.run(play())


def test_a_client_that_goes_away_takes_nothing_back() -> None:
    async def play() -> None:
        remembered, counter = IdempotencyCache[int](), Counter()
        first = asyncio.ensure_future(remembered.once("k", b"b", counter))
        await asyncio.sleep(0)
        first.cancel()
        assert await remembered.once("k", b"b", counter) == 1

    asyncio.run(play())


def test_the_oldest_answers_are_forgotten() -> None:
    async def play() -> None:
        remembered, counter = IdempotencyCache[int](most=2), Counter()
        for key in "abc":
            await remembered.once(key, b"", counter)
        assert await remembered.once("b", b"", counter) == 2
        assert await remembered.once("a", b"", counter) == 4

    asyncio.run(play())
