"""A world in which everything happens in one thread, in an order that follows from a seed.

Whoever acts is an actor: a service, a worker, a person.  What an actor does runs in greenlets, and every call to a
store or a launcher is a step.  At a step the others go on, and the actor may die, be stopped for a while, or lose the
request or its answer.  Time passes only between steps.
"""

import heapq
import random
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from greenlet import getcurrent, greenlet

START = datetime(2026, 3, 28, 20, tzinfo=UTC)
HOUR = 3600.0
#: how long the world is bad
HORIZON = 6 * HOUR
#: requests that may arrive twice; a database's session knows better, and data/ is replaced by one request at a time
REPEATABLE = ("objects", "area.put_", "launcher.launch", "ec2.run_instances")
#: seconds after which who calls gives up what hangs
CALL_DEADLINE = 60.0
#: lines of the trace that are kept, unless all are
TRACE = 4000


class Died(BaseException):
    """The actor is gone; nothing catches it."""


class Away(OSError):  # noqa: N818  (what happened, as an OSError tells it)
    """A store or a launcher doesn't answer, or its answer got lost."""


@dataclass(frozen=True)
class Faults:
    """How bad the world is: how likely each fault is at a step."""

    die: float = 0
    stop: float = 0
    drop: float = 0
    lose: float = 0
    repeat: float = 0
    #: how likely a step takes long, which lets others overtake it
    delay: float = 0.02

    @property
    def calm(self) -> bool:
        """Whether nothing ever goes wrong."""
        return not (self.die or self.stop or self.drop or self.lose or self.repeat)


CALM = Faults()


class World:
    """The time, the actors' greenlets in the order in which they go on, chance, and the trace."""

    def __init__(self, seed: int, *, whole: bool = False) -> None:
        """whole: keep all of the trace."""
        self.chance = random.Random(seed)
        self.time = 0.0
        self.faults = CALM
        self._trace: deque[tuple[Any, ...]] = deque(maxlen=None if whole else TRACE)
        #: from and to, for what is away
        self.outages: dict[str, tuple[float, float]] = {}
        #: the same, for what accepts calls and answers none
        self.hangs: dict[str, tuple[float, float]] = {}
        #: who acts now
        self.acting = Actor(self, "nobody", mortal=False)
        self._queue: list[tuple[float, int, Actor, greenlet]] = []
        self._count = 0
        self._hub = getcurrent()

    @property
    def now(self) -> datetime:
        """The true time."""
        return START + timedelta(seconds=self.time)

    @property
    def steps(self) -> int:
        """How often somebody went on."""
        return self._count

    def say(self, who: str, *what: Any) -> None:
        """Note what happened: words, and values that are put into words when somebody wants to read them."""
        self._trace.append((self.time, who, what))

    @property
    def trace(self) -> list[str]:
        """What happened, a line for each thing."""
        return [f"{at:10.2f}  {who:<12} {_short(what)}" for at, who, what in self._trace]

    def run_until(self, end: float, *, or_else: Callable[[], bool] = lambda: False) -> None:
        """Let everybody act until then, or until `or_else` says that it is enough."""
        while self._queue and self._queue[0][0] <= end and not or_else():
            at, _, actor, line = heapq.heappop(self._queue)
            self.time = max(self.time, at)
            if line.dead:
                continue
            if actor.dead:
                self._end(line)
            elif actor.stopped_until > self.time:
                self._wake(actor, line, actor.stopped_until)
            else:
                self.acting = actor
                line.switch()
        self.time = max(self.time, end) if not or_else() else self.time

    def close(self) -> None:
        """End every greenlet."""
        for _, _, _, line in self._queue:
            if not line.dead:
                self._end(line)
        self._queue.clear()

    def start(self, actor: "Actor", act: Callable[[], object], after: float = 0) -> None:
        """Have an actor do something beside what it does already."""

        def line() -> None:
            with suppress(Died):
                act()

        self._wake(actor, greenlet(line, parent=self._hub), self.time + after)

    def sleep(self, actor: "Actor", seconds: float) -> None:
        """Let others act; back after so many seconds, or later."""
        line = getcurrent()
        self._wake(actor, line, self.time + seconds)
        self._hub.switch()
        if actor.dead:
            raise Died
        self.acting = actor

    def is_away(self, what: str) -> bool:
        """Whether nobody can reach it now."""
        start, end = self.outages.get(what, (0, 0))
        return start <= self.time < end

    def hangs_for(self, what: str) -> float:
        """Seconds for which it will go on to answer nobody; 0 when it answers."""
        start, end = self.hangs.get(what, (0, 0))
        return end - self.time if start <= self.time < end else 0.0

    def _wake(self, actor: "Actor", line: greenlet, at: float) -> None:
        self._count += 1
        heapq.heappush(self._queue, (at, self._count, actor, line))

    def _end(self, line: greenlet) -> None:
        line.parent = getcurrent()
        if line:
            line.throw(Died)


class Actor:
    """Somebody who acts, and may die or be stopped at every step."""

    def __init__(self, world: World, name: str, *, mortal: bool = True) -> None:
        self.world = world
        self.name = name
        self.mortal = mortal
        self.dead = False
        self.stopped_until = 0.0
        #: called when it dies
        self.on_death: Callable[[], None] = lambda: None

    def die(self) -> None:
        """Be gone; its greenlets end where they wait."""
        if not self.dead:
            self.dead = True
            self.world.say(self.name, "DIED")
            self.on_death()

    def call(self, what: str, act: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """One request and its answer: what the actor calls and the world may spoil."""
        self.pause()
        faults, chance = self.world.faults, self.world.chance
        if hangs := self.world.hangs_for(what.partition(".")[0]):
            self.world.say(self.name, f"{what} hangs")
            self.world.sleep(self, min(hangs, CALL_DEADLINE))
            raise Away(f"{what} doesn't answer")
        if self.world.is_away(what.partition(".")[0]) or chance.random() < faults.drop:
            self.world.say(self.name, f"{what} never arrived")
            raise Away(f"{what} can't be reached")
        try:
            answer = act(*arguments, **options)
        except Exception as problem:
            self.world.say(self.name, what, *arguments, "->", type(problem).__name__)
            raise
        self.world.say(self.name, what, *arguments, "->", answer)
        if chance.random() < faults.repeat and what.startswith(REPEATABLE):
            self._repeat(what, act, arguments, options)
        # not always, since every step costs; often enough to be seen between an effect and its answer
        if chance.random() < 0.3:
            self.pause()
        if chance.random() < faults.lose:
            self.world.say(self.name, f"the answer of {what} was lost")
            raise Away(f"{what} gave no answer")
        return answer

    def pause(self) -> None:
        """A step: others go on, and something may happen to the actor."""
        faults, chance = self.world.faults, self.world.chance
        if self.mortal:
            fate = chance.random()
            if fate < faults.die:
                self.die()
                raise Died
            if fate < faults.die + faults.stop:
                self.stopped_until = self.world.time + chance.choice((5, 30, 70, 100, 200))
                self.world.say(self.name, f"STOPPED for {self.stopped_until - self.world.time:.0f} s")
        slow = chance.random() < faults.delay
        self.world.sleep(self, chance.uniform(1, 90 if not faults.calm else 2) if slow else chance.random() / 50)

    def _repeat(self, what: str, act: Callable[..., Any], arguments: Any, options: Any) -> None:
        """The network delivers the request once more, some time later."""

        def again() -> None:
            try:
                act(*arguments, **options)
            except Exception:  # nobody hears the second answer
                self.world.say(self.name, f"{what} again, refused")
            else:
                self.world.say(self.name, f"{what} again, done")

        self.world.start(Actor(self.world, "network"), again, self.world.chance.uniform(0, 60))


class Lines(Executor):
    """A pool whose threads are greenlets of an actor."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    def submit(self, act: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def line() -> None:
            try:
                future.set_result(act(*arguments, **options))
            except Exception as problem:
                future.set_exception(problem)

        self._actor.world.start(self._actor, line)
        return future


class Stepped:
    """A store, objects or a launcher as an actor sees it: each call is a step."""

    def __init__(self, actor: Actor, name: str, inner: Any) -> None:
        self._actor = actor
        self._name = name
        self._inner = inner

    def __getattr__(self, method: str) -> Any:
        act = getattr(self._inner, method)
        if self._name == "store" and method in {"schedules", "runs", "leases", "outbox", "ad_hoc"}:
            part = Stepped(self._actor, f"{self._name}.{method}", act)
            setattr(self, method, part)
            return part
        if not callable(act) or method in {"url", "for_each"}:
            return act

        def call(*arguments: Any, **options: Any) -> Any:
            return self._actor.call(f"{self._name}.{method}", act, *arguments, **options)

        setattr(self, method, call)
        return call


def _short(values: tuple[Any, ...]) -> str:
    return " ".join(_word(value) for value in values)


def _word(value: Any) -> str:
    for name in ("status", "number", "name"):
        if hasattr(value, name) and not isinstance(value, type):
            return f"{getattr(value, 'id', getattr(value, 'run_id', ''))[:6]}:{getattr(value, name)}"
    if isinstance(value, list | set | tuple):
        return f"[{len(value)}]"
    text = value if isinstance(value, str) else repr(value)
    if " at 0x" in text:
        return type(value).__name__
    return text if len(text) <= 70 else f"{text[:67]}…"
