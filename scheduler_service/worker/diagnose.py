"""Explain in one sentence why a run ended as it did: decided from what it left, nothing is read or asked here.

The reasons are values of `jupyter_schedule.core.models.Reason`, written out since the agent travels without pydantic.
"""

import re
import signal
from dataclasses import dataclass
from typing import Any

from jupyter_schedule.core.text import duration_text
from scheduler_service.worker.notebook import NotebookProgress
from scheduler_service.worker.supervise import Cause
from scheduler_service.worker.text import LONGEST_SENTENCE, find_first_line, fit_sentence

_NO_SPACE = "No space left on device"
_DEAD_KERNEL = "DeadKernelError"
#: how bash says what it couldn't run: "./run.sh: line 3: pandoc: command not found"
_NOT_RUN = re.compile(
    r"(?:bash|\.sh): (?:line \d+: )?(?P<what>[^\n]*?): (?:command not found|No such file|Permission denied)"
)
_KINDS = {
    "kernel_gone": "environment_gone",
    "kernel_unavailable": "kernel_unavailable",
    "environment": "environment",
    "disk_full": "disk_full",
    "cell_failed": "cell_failed",
}


@dataclass(frozen=True)
class RunFacts:
    """The facts that are known about a command that ended."""

    cause: Cause
    exit_code: int | None = None
    signal: int | None = None
    #: how long the command ran, and how long it might have
    seconds: float = 0.0
    timeout: float = 0.0
    #: whether the machine's kernel ended a process for want of memory meanwhile: some process, or one of this run
    memory_ran_out: bool = False
    out_of_memory: bool = False
    #: the wrapper's failure.json, else what the executed notebook shows
    failure: dict[str, Any] | None = None
    progress: NotebookProgress | None = None
    log_end: str = ""
    #: how many files the output folder has
    outputs: int = 0
    is_notebook: bool = False
    output_dir: str = "output"
    #: which Python it had in place of the one that it was pinned for: "Python 3.12.3 instead of 3.11"
    python: str = ""


@dataclass(frozen=True)
class AttemptOutcome:
    """The end of an attempt: `outcome` for the protocol, `reason` for programs, `sentence` for a person."""

    outcome: str
    reason: str
    sentence: str


def diagnose(evidence: RunFacts) -> AttemptOutcome:
    """The verdict on a command: what we did to it comes first, then how it ended by itself."""
    where = _at(evidence)
    match evidence.cause:
        case Cause.TIMED_OUT if _text(evidence.failure, "kind") == "kernel_silent":
            waited = duration_text(evidence.timeout)
            return _verdict("timed_out", "kernel_unavailable", f"Timed out: the kernel didn't answer within {waited}")
        case Cause.TIMED_OUT:
            return _verdict(
                "timed_out", "time_limit", f"Timed out: stopped after {duration_text(evidence.timeout)}{_at(evidence)}"
            )
        case Cause.STOPPED:
            return _verdict("stopped", "by_hand", f"Stopped after {duration_text(evidence.seconds)}{where}")
        case Cause.MEMORY:
            return _verdict("finished", "out_of_memory", f"Stopped: more memory than a run may use here{where}")
        case Cause.OUTPUT:
            return _verdict("finished", "output_too_large", f"Stopped: more output than a run may write here{where}")
    reason, text = _good_end(evidence) if evidence.exit_code == 0 else _bad_end(evidence)
    return _verdict("finished", reason, _with_python(text, evidence.python))


def _verdict(outcome: str, reason: str, text: str) -> AttemptOutcome:
    return AttemptOutcome(outcome, reason, fit_sentence(text))


def _good_end(evidence: RunFacts) -> tuple[str, str]:
    if evidence.outputs:
        return "ok", f"Succeeded in {duration_text(evidence.seconds)}."
    who = "notebook" if evidence.is_notebook else "command"
    folder = evidence.output_dir.rstrip("/")
    return "empty_output", f"The {who} finished, but {folder}/ is empty, so nothing was published."


def _with_python(text: str, python: str) -> str:
    """`text` with what may be the cause of it, for which the rest is cut where that is too long."""
    if not python:
        return text
    told = f", with {python}."
    kept = fit_sentence(text).rstrip(".")
    room = LONGEST_SENTENCE - len(told) - 1
    return (kept if len(kept) <= room else f"{kept[: room - 1].rstrip()}…") + told


def _bad_end(evidence: RunFacts) -> tuple[str, str]:
    kind = _text(evidence.failure, "kind")
    killed = evidence.signal == signal.SIGKILL or evidence.exit_code == 128 + signal.SIGKILL
    died = kind == "kernel_died" or _DEAD_KERNEL in evidence.log_end
    # the kernel takes memory back by SIGKILL only: another end of ours has nothing to do with another's want of it
    killed = killed or "signal 9" in _text(evidence.failure, "message")
    if evidence.out_of_memory or (evidence.memory_ran_out and killed):
        return "out_of_memory", f"Ran out of memory{_at(evidence)}."
    if kind == "cell_failed":
        return _failed_cell(evidence)
    if died:
        return "kernel_died", f"The kernel died{_at(evidence)}{_because(_text(evidence.failure, 'message'))}."
    if kind and (said := _text(evidence.failure, "sentence")):
        return _KINDS.get(kind, "exit_code"), said
    if _NO_SPACE in evidence.log_end[-1000:]:
        return "disk_full", "The disk is full: free some space and run it again."
    return "exit_code", _failed_command(evidence)


def _failed_cell(evidence: RunFacts) -> tuple[str, str]:
    name, message = _text(evidence.failure, "name"), _text(evidence.failure, "message")
    where = _at(evidence)
    if name == "MemoryError":
        return "out_of_memory", f"Ran out of memory{where}."
    if _NO_SPACE in message:
        return "disk_full", f"The disk was full{where}."
    return "cell_failed", f"{name or 'An error'}{where}{_because(message)}"


def _failed_command(evidence: RunFacts) -> str:
    code = evidence.exit_code
    if evidence.signal is not None:
        return f"The command was ended by {_signal_name(evidence.signal)}."
    if code in {126, 127}:
        found = [match["what"] for match in _NOT_RUN.finditer(evidence.log_end)]
        what = found[-1] if found else "A program that it needs"
        if code == 127:
            return f"{what} was not found (exit code 127); is it in the bundle, or installed where this runs?"
        return f"{what} can't be executed (exit code 126); mark it with chmod +x."
    if code is not None and 128 < code < 128 + 65:
        return f"The command ended with exit code {code}: {_signal_name(code - 128)}."
    return f"The command ended with exit code {code}."


def _signal_name(number: int) -> str:
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"signal {number}"


def _because(message: str) -> str:
    return f": {find_first_line(message).rstrip('.')}" if find_first_line(message) else ""


def _at(evidence: RunFacts) -> str:
    """` at cell 4 of 6`, ` at the parameters` where the added cell failed, nothing when no cell is known."""
    cell, cells = _number(evidence.failure, "cell"), _number(evidence.failure, "cells")
    if cell is None and evidence.progress:
        cell, cells = evidence.progress.at, evidence.progress.total
    if cell is None:
        return ""
    return f" at cell {cell} of {cells}" if cell else " at the parameters"


def _text(failure: dict[str, Any] | None, key: str) -> str:
    value = (failure or {}).get(key)
    return value if isinstance(value, str) else ""


def _number(failure: dict[str, Any] | None, key: str) -> int | None:
    value = (failure or {}).get(key)
    return value if isinstance(value, int) else None
