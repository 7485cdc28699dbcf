"""Places in the protocol where a process of a test dies or stops: the product itself has none of them.

What a service or an agent works with is wrapped, and a wrapped call that is the armed step signals its own process.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: a call: the method's name, its arguments, and what it was called on
Recognise = Callable[[Any, str, tuple[Any, ...], dict[str, Any]], bool]


PARTS = ("schedules", "runs", "leases", "outbox", "ad_hoc")


@dataclass(frozen=True)
class Step:
    """A call that the protocol depends on."""

    #: what of a service has the method: `store`, `objects` or `launcher`
    on: str
    #: of a store, each after its part
    methods: tuple[str, ...]
    is_it: Recognise = lambda inner, method, arguments, options: True


def _puts(part: str) -> Recognise:
    """A write to a key that has this in it."""
    return lambda inner, method, arguments, options: any(part in key for key in arguments if isinstance(key, str))


#: in the order of a run's life
STEPS = {
    "due commit": Step("store", ("schedules.record_due_runs",), lambda store, method, call, _: bool(call[0])),
    "admission": Step("store", ("leases.admit",), lambda store, *_: bool(store.runs.list_open())),
    "attempt commit": Step("store", ("runs.add_attempt",)),
    "launch": Step("launcher", ("launch",)),
    "handle stored": Step(
        "store", ("runs.replace_attempt",), lambda store, method, call, _: call[1].handle and call[1].outcome is None
    ),
    "gate": Step("objects", ("put_once",), _puts("gates/")),
    "result read": Step("objects", ("get_or_none",), lambda objects, method, call, _: call[0].endswith("/result")),
    "promote": Step("objects", ("copy_from",), _puts("/files/")),
    "manifest": Step("objects", ("put_once",), _puts("/manifest.json")),
    "latest": Step("objects", ("put_if",), _puts("/latest.json")),
    "terminal": Step("store", ("runs.replace",), lambda store, method, call, _: call[1].status.terminal),
    "release": Step("store", ("leases.release",), lambda store, method, call, _: call[0] is not None),
}


@dataclass(frozen=True)
class Failpoint:
    """The first process that comes `before` or `after` the step is signalled; its pid and the time are in `mark`."""

    step: str
    moment: str
    signal: int
    mark: Path

    def reached(self) -> None:
        """Signal this process, unless another was before it."""
        mine = self.mark.with_name(f"{self.mark.name}-{os.getpid()}")
        mine.write_text(f"{os.getpid()} {time.time()}")
        with suppress(FileExistsError):
            os.link(mine, self.mark)
            os.kill(os.getpid(), self.signal)


class Failing:
    """Whatever it is made around, with a failpoint before or after its calls that are the step."""

    def __init__(self, inner: Any, on: str, failpoint: Failpoint, part_of: Any = None, part: str = "") -> None:
        """part_of: the store, where it is made around one of its parts."""
        self._inner = inner
        self._whole = part_of or inner
        self._part = part
        self._on = on
        self._failpoint = failpoint
        self._step = STEPS[failpoint.step] if STEPS[failpoint.step].on == on else None

    def __getattr__(self, name: str) -> Any:
        known = getattr(self._inner, name)
        if self._step is None:
            return known
        if self._on == "store" and not self._part and name in PARTS:
            return Failing(known, self._on, self._failpoint, self._inner, f"{name}.")
        if f"{self._part}{name}" not in self._step.methods:
            return known

        def call(*arguments: Any, **options: Any) -> Any:
            if name == "get_or_none" and self._inner.size(arguments[0]) is None:
                # a read that finds nothing is none, also when the object comes into being meanwhile
                return None
            is_it = self._step is not None and self._step.is_it(self._whole, name, arguments, options)
            if is_it and self._failpoint.moment == "before":
                self._failpoint.reached()
            answer = known(*arguments, **options)
            if is_it and self._failpoint.moment == "after":
                self._failpoint.reached()
            return answer

        return call
