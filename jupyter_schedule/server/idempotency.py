"""A request that is sent again because its answer was lost is carried out once."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from jupyter_schedule.core.errors import Refused

#: how many answers are remembered
MOST = 1000
T = TypeVar("T")


class IdempotencyCache(Generic[T]):
    """The newest answers, by `Idempotency-Key`, for as long as this process lives; refusals aren't remembered.

    After a restart the name of a schedule still keeps it from being made twice.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._answers: OrderedDict[str, tuple[str, asyncio.Future[T]]] = OrderedDict()

    async def once(self, key: str, body: bytes, carry_out: Callable[[], Awaitable[T]]) -> T:
        """The answer of `carry_out`; of requests with one key only the first carries it out, the others get its answer.

        Raises what `carry_out` raises, and Refused `idempotency_key_reused` when the key came with another body.
        """
        said = hashlib.sha256(body).hexdigest()
        known = self._answers.get(key)
        if known is not None and known[0] != said:
            message = "This Idempotency-Key was used for another request: send each request with a key of its own."
            raise Refused("idempotency_key_reused", message)
        if known is not None:
            return await asyncio.shield(known[1])
        answer = asyncio.ensure_future(carry_out())
        self._answers[key] = (said, answer)
        while len(self._answers) > self._most:
            self._answers.popitem(last=False)
        try:
            # a client that goes away takes nothing back
            return await asyncio.shield(answer)
        except Exception:
            self._answers.pop(key, None)
            raise
