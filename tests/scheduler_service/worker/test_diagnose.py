"""Reason and sentence follow from the evidence alone."""

from typing import Any

import pytest

from jupyter_schedule.core.models import Reason
from scheduler_service.worker.diagnose import RunFacts, diagnose
from scheduler_service.worker.notebook import NotebookProgress
from scheduler_service.worker.supervise import Cause
from scheduler_service.worker.text import fit_sentence

EXITED, TIMED_OUT, STOPPED = Cause.EXITED, Cause.TIMED_OUT, Cause.STOPPED
AT_5 = NotebookProgress(done=4, total=6, at=5)


def cell(name: str = "ValueError", message: str = "no", number: int = 4, **more: Any) -> dict[str, Any]:
    return {"kind": "cell_failed", "cell": number, "cells": 6, "name": name, "message": message, **more}


def died(**more: Any) -> dict[str, Any]:
    return {"kind": "kernel_died", "cell": 3, "cells": 6, "name": "DeadKernelError", **more}


def other(kind: str, said: str) -> dict[str, Any]:
    return {"kind": kind, "cell": None, "cells": None, "sentence": said}


def fact(outcome: str, reason: str, said: str, **evidence: Any) -> Any:
    facts: dict[str, Any] = {"cause": EXITED, "exit_code": 1} | evidence
    return pytest.param(RunFacts(**facts), outcome, reason, said, id=said)


@pytest.mark.parametrize(
    ("evidence", "outcome", "reason", "said"),
    [
        fact("finished", "ok", "Succeeded in 6.1 s.", exit_code=0, outputs=1, seconds=6.1),
        fact(
            "finished", "empty_output", "The notebook finished, but out/ is empty, so nothing was published.",
            exit_code=0, is_notebook=True, output_dir="out/",
        ),
        fact(
            "finished", "empty_output", "The command finished, but output/ is empty, so nothing was published.",
            exit_code=0,
        ),
        fact("finished", "ok", "Succeeded in 1 s.", exit_code=0, outputs=1, seconds=1, failure=cell()),
        fact("finished", "exit_code", "The command ended with exit code 3.", exit_code=3, outputs=9),
        fact("finished", "exit_code", "The command ended with exit code 255.", exit_code=255),
        fact("finished", "exit_code", "The command was ended by signal 9 (SIGKILL).", exit_code=None, signal=9),
        fact("finished", "exit_code", "The command ended with exit code 137: signal 9 (SIGKILL).", exit_code=137),
        fact("finished", "exit_code", "The command was ended by signal 63.", exit_code=None, signal=63),
        fact(
            "finished", "exit_code",
            "pandoc was not found (exit code 127); is it in the bundle, or installed where this runs?",
            exit_code=127, log_end="./run.sh: line 3: pandoc: command not found\n",
        ),
        fact(
            "finished", "exit_code",
            "A program that it needs was not found (exit code 127); is it in the bundle, or installed where this runs?",
            exit_code=127,
        ),
        fact(
            "finished", "exit_code", "./x can't be executed (exit code 126); mark it with chmod +x.",
            exit_code=126, log_end="bash: line 1: ./x: Permission denied",
        ),
        fact(
            "finished", "cell_failed", "ZeroDivisionError at cell 4 of 6: division by zero.",
            failure=cell("ZeroDivisionError", "division by zero"),
        ),
        fact("finished", "cell_failed", "KeyError at the parameters: 'x'.", failure=cell("KeyError", "'x'", 0)),
        fact("finished", "cell_failed", "ValueError at cell 4 of 6.", failure=cell(message="")),
        fact("finished", "cell_failed", "An error at cell 4 of 6.", failure=cell("", "")),
        fact(
            "finished", "cell_failed", "ValueError at cell 4 of 6: red and so on.",
            failure=cell(message="\n\x1b[31mred\x1b[0m and\tso on.\nsecond line"),
        ),
        fact(
            "finished", "cell_failed", f"ValueError at cell 4 of 6: {'x' * 92}…",
            failure=cell(message="x" * 1000),
        ),
        fact("finished", "out_of_memory", "Ran out of memory at cell 4 of 6.", failure=cell("MemoryError", "")),
        fact(
            "finished", "disk_full", "The disk was full at cell 4 of 6.",
            failure=cell("OSError", "[Errno 28] No space left on device"),
        ),
        fact(
            "finished", "kernel_died", "The kernel died at cell 3 of 6: it ended by itself with code 1.",
            exit_code=138, failure=died(message="it ended by itself with code 1"),
        ),
        fact("finished", "kernel_died", "The kernel died.", log_end="nbclient.exceptions.DeadKernelError: Kernel died"),
        fact(
            "finished", "out_of_memory", "Ran out of memory at cell 3 of 6.",
            failure=died(message="killed by signal 9, most often for lack of memory"), memory_ran_out=True,
        ),
        fact("finished", "out_of_memory", "Ran out of memory.", exit_code=None, signal=9, memory_ran_out=True),
        fact(
            "finished", "out_of_memory", "Ran out of memory at cell 5 of 6.",
            exit_code=137, memory_ran_out=True, progress=AT_5,
        ),
        fact("finished", "exit_code", "The command ended with exit code 2.", exit_code=2, memory_ran_out=True),
        fact(
            "finished", "kernel_died", "The kernel died at cell 3 of 6: killed by signal 11.",
            failure=died(message="killed by signal 11"), memory_ran_out=True,
        ),
        fact(
            "timed_out", "kernel_unavailable", "Timed out: the kernel didn't answer within 2 h.",
            cause=TIMED_OUT, timeout=7200, failure=other("kernel_silent", "Stopped before the first cell"),
        ),
        fact(
            "finished", "kernel_unavailable", "Kernel didn't start: Kernel died.",
            exit_code=70, failure=other("kernel_unavailable", "Kernel didn't start: Kernel died"),
        ),
        fact(
            "finished", "environment_gone", "The notebook's kernel isn't there any more: /gone.",
            exit_code=70, failure=other("kernel_gone", "The notebook's kernel isn't there any more: /gone"),
        ),
        fact("finished", "out_of_memory", "Ran out of memory.", exit_code=1, out_of_memory=True),
        fact(
            "finished", "out_of_memory", "Stopped: more memory than a run may use here at cell 5 of 6.",
            cause=Cause.MEMORY, progress=AT_5,
        ),
        fact(
            "finished", "output_too_large", "Stopped: more output than a run may write here.", cause=Cause.OUTPUT,
        ),
        fact("finished", "disk_full", "The disk is full.", failure=other("disk_full", "The disk is full")),
        fact(
            "finished", "environment", "The packages could not be installed.",
            exit_code=69, failure=other("environment", "The packages could not be installed."),
        ),
        fact(
            "finished", "disk_full", "The disk is full: free some space and run it again.",
            log_end="cp: error writing 'x': No space left on device\n",
        ),
        fact("timed_out", "time_limit", "Timed out: stopped after 2 h.", cause=TIMED_OUT, timeout=7200),
        fact(
            "timed_out", "time_limit", "Timed out: stopped after 2 h at cell 5 of 6.",
            cause=TIMED_OUT, timeout=7200, progress=AT_5, exit_code=0,
        ),
        fact(
            "timed_out", "time_limit", "Timed out: stopped after 1 min at cell 3 of 6.",
            cause=TIMED_OUT, timeout=60, failure=died() | {"kind": "stopped"}, progress=AT_5,
        ),
        fact("stopped", "by_hand", "Stopped after 12 s at cell 5 of 6.", cause=STOPPED, seconds=12, progress=AT_5),
    ],
)  # fmt: skip
def test_evidence_gives_one_reason_and_one_sentence(evidence: RunFacts, outcome: str, reason: str, said: str) -> None:
    verdict = diagnose(evidence)
    assert (verdict.outcome, verdict.reason, verdict.sentence) == (outcome, reason, said)
    assert verdict.reason in set(Reason)
    assert len(verdict.sentence) <= 120


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Plain", "Plain."),
        ("Ends.", "Ends."),
        ("", "."),
        ("\n\n \x1b]0;title\x07first\x00line\nsecond", "first line."),
        ("x" * 119, f"{'x' * 119}."),
        ("x" * 120, f"{'x' * 119}…"),
    ],
)
def test_a_sentence_is_one_line_of_at_most_120_characters(text: str, said: str) -> None:
    assert fit_sentence(text) == said
