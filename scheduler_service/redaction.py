"""Redaction of sentences that go to people: what is recorded of a run, and what channels get."""

from collections.abc import Mapping

from jupyter_schedule.core.models import Spec
from scheduler_service.disclosure.secrets import find_secret
from scheduler_service.worker.text import LEFT_OUT, find_passwords, mask_values


def secret_values(spec: Spec, environment: Mapping[str, str]) -> dict[str, str]:
    """The values that runs are given from here and that nobody is told, by the names of their variables."""
    return find_passwords(environment) | {name: environment[name] for name in spec.env if name in environment}


def redact(sentence: str, known: Mapping[str, str]) -> str:
    """`sentence` without the values of `known`, and without anything that looks like a secret.

    What it says before its first colon stays, where that is no secret: it names the cell.
    """
    sentence = mask_values(sentence, known)
    what = find_secret(sentence)
    if what is None:
        return sentence
    head = sentence.partition(": ")[0]
    left_out = LEFT_OUT.format(what)
    return f"{head}: {left_out}" if head != sentence and find_secret(head) is None else left_out
