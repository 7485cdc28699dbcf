"""The outputs that an executed notebook keeps: the last state of what redraws itself, and no more than can be read."""

import re
from collections import deque
from typing import Any

#: characters of printed text that are kept of a cell's one stretch: its beginning, and its end
HEAD, TAIL = 5_000_000, 1_000_000
#: characters of printed text that are kept of all cells together, and of everything that isn't text
PRINTED, SHOWN = 25_000_000, 100_000_000
#: what an output costs by being there
OUTPUT_COST = 200
#: rows from the end that a program can go back to, as bars below each other do
REACH = 30
#: characters of a row that nobody redraws any more
LONGEST_ROW = 100_000
_CONTROL = re.compile(r"(\n|\r(?!\n)|\r\n|\x08|\x1b\[\d*[AB]|\x1b\[[012]?K)")
#: an escape sequence, or the first half of a line's end, of which the rest is in the next message
_UNFINISHED = re.compile(r"(?:\r|\x1b(?:\[\d*)?)\Z")


class Screen:
    """Printed text as a terminal would show it: what was drawn over is gone, and so is the middle of very much."""

    def __init__(self, head: int = HEAD, tail: int = TAIL) -> None:
        self._room = max(head, 0)
        self._tail_limit = tail
        self._head: list[str] = []
        self._head_size = 0
        self._tail: deque[str] = deque()
        self._tail_size = 0
        self._dropped = 0
        self._rows = [""]
        self._row = 0
        #: what comes next replaces the row
        self._fresh = False
        self._held = ""

    @property
    def is_within_a_line(self) -> bool:
        """True where the last line isn't ended, so that a redraw would be of it."""
        return bool(self._rows[-1]) or self._row < len(self._rows) - 1

    def feed(self, text: str) -> None:
        """Show `text` after what there is."""
        text = self._held + text
        unfinished = _UNFINISHED.search(text)
        self._held = unfinished[0] if unfinished else ""
        text = text[: len(text) - len(self._held)]
        if self._fresh or self._row < len(self._rows) - 1 or re.search(r"[\r\x08\x1b]", text):
            for part in filter(None, _CONTROL.split(text)):
                self._obey(part)
        else:
            self._rows[-1:] = (self._rows[-1] + text).rsplit("\n", REACH)
            self._row = len(self._rows) - 1
        self._let_go()

    def _obey(self, part: str) -> None:
        if part in {"\n", "\r\n"}:
            self._row += 1
            self._fresh = self._row < len(self._rows)
            if not self._fresh:
                self._rows.append("")
        elif part == "\r":
            self._fresh = True
        elif part == "\x08":
            self._rows[self._row] = self._rows[self._row][:-1]
        elif part.startswith("\x1b[") and part[-1] in "AB":
            steps = int(part[2:-1] or 1)
            row = self._row - steps if part[-1] == "A" else self._row + steps
            self._row = min(max(row, 0), len(self._rows) - 1)
        elif part.startswith("\x1b[") and part[-1] == "K":
            if part[2:-1] == "2" or self._fresh:
                self._rows[self._row] = ""
        else:
            self._rows[self._row] = part if self._fresh else self._rows[self._row] + part
            self._fresh = False

    def _let_go(self) -> None:
        """Keep rows that nobody can go back to any more."""
        if extra := max(0, min(len(self._rows) - REACH, self._row)):
            self._keep("\n".join(self._rows[:extra]) + "\n")
            del self._rows[:extra]
            self._row -= extra
        if len(self._rows[-1]) > LONGEST_ROW and not self._fresh:
            self._keep(self._rows[-1] if len(self._rows) == 1 else "\n".join(self._rows))
            self._rows, self._row = [""], 0

    def _keep(self, text: str) -> None:
        if self._room:
            self._head.append(text[: self._room])
            text = text[self._room :]
            self._head_size += len(self._head[-1])
            self._room -= len(self._head[-1])
        if len(text) > self._tail_limit:
            self._dropped += len(text) - self._tail_limit
            text = text[-self._tail_limit :]
        self._tail.append(text)
        self._tail_size += len(text)
        while self._tail_size > self._tail_limit:
            gone = self._tail.popleft()
            self._tail_size -= len(gone)
            self._dropped += len(gone)

    def render(self) -> str:
        """The text that stands there now."""
        cut = f"\n[{self._dropped / 1e6:,.1f} MB of output left out here]\n" if self._dropped else ""
        return "".join([*self._head, cut, *self._tail, "\n".join(self._rows)])

    @property
    def size(self) -> int:
        """The characters that it keeps, without those of rows that may still change."""
        return self._head_size + self._tail_size


class OutputKeeper:
    """Bounds the outputs of a notebook's cells while they come in, cell after cell."""

    def __init__(self, printed: int = PRINTED, shown: int = SHOWN, *, head: int = HEAD, tail: int = TAIL) -> None:
        self._printed, self._shown = printed, shown
        self._head, self._tail = head, tail
        self._touched: dict[int, tuple[Any, Screen]] = {}
        self._used = 0
        self._forget()

    def _forget(self) -> None:
        #: by the name of their stream, the last output of each and its text
        self._screens: dict[str, tuple[Any, Screen]] = {}
        #: the output that stands for those that are left out
        self._notice: Any = None
        self._left_out = 0

    def start_cell(self) -> None:
        """Begin the next cell: it has outputs of its own."""
        self.settle()
        self._printed -= self._used
        self._used = 0
        self._forget()

    def take(self, outputs: list[Any]) -> bool:
        """Find the place of the last of `outputs`, which has just come; False where it isn't an output of its own."""
        output = outputs[-1]
        if len(outputs) == 1:
            # the first, or all before it was cleared away
            self._used = 0
            self._forget()
        if output["output_type"] == "stream":
            return self._take_stream(outputs, output)
        if (size := measure_output(output)) <= self._shown or output["output_type"] == "error":
            self._shown -= size
            return True
        self._leave_out(outputs, output)
        return False

    def _take_stream(self, outputs: list[Any], output: Any) -> bool:
        text = "".join(output["text"])
        known = self._screens.get(output["name"])
        room = self._printed - self._used
        if known is not None:
            node, screen = known
            follows = outputs[-2] is node
            redraws = screen.is_within_a_line and text.startswith("\r")
            if follows or redraws or room < OUTPUT_COST:
                outputs.pop()
                self._feed(node, screen, text)
                return False
        screen = Screen(min(self._head, room), min(self._tail, max(room, 10_000)))
        self._screens[output["name"]] = output, screen
        self._used += OUTPUT_COST
        self._feed(output, screen, text)
        return True

    def _feed(self, node: Any, screen: Screen, text: str) -> None:
        before = screen.size
        screen.feed(text)
        self._used += screen.size - before
        self._touched[id(node)] = node, screen

    def _leave_out(self, outputs: list[Any], output: Any) -> None:
        """The first for which there is no more room becomes the notice of all."""
        self._left_out += 1
        if self._notice is None:
            self._notice = output
            output.clear()
            output.update({"output_type": "stream", "name": "stderr"})
        else:
            outputs.pop()
        how_many = "an output" if self._left_out == 1 else f"{self._left_out:,} outputs"
        self._notice["text"] = f"[{how_many} left out here: what the cells show is too large to be kept]\n"

    def settle(self) -> None:
        """The outputs have what was printed up to now: before they are saved."""
        for node, screen in self._touched.values():
            node["text"] = screen.render()
        self._touched = {}


def measure_output(output: Any) -> int:
    """The characters of an output, about."""
    data = output.get("data") or {"": output.get("traceback") or ()}
    return OUTPUT_COST + sum(_measure(value) for value in data.values())


def _measure(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(len(str(key)) + _measure(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return sum(map(_measure, value))
    return 8
