"""Sentences as a worker may say them: one line, of bounded length, without the values that nobody may be told."""

import re
from collections.abc import Mapping
from urllib.parse import unquote

from jupyter_schedule.core.text import strip_escapes

#: signs of a sentence, at most
LONGEST_SENTENCE = 120
#: the shortest value that is taken out: shorter ones are words
SHORTEST = 4
LEFT_OUT = "[left out: {}]"
#: what a text ends with that was cut short
_CUT = "…"
_USER_PART = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?[^/@\s]*?:(?P<password>[^/\s]*)@", re.IGNORECASE)


def mask_values(text: str, known: Mapping[str, str]) -> str:
    """`text` with the name in the place of each value, and of the beginning of one that was cut short at its end.

    known: values by their names; of a value of many lines each line counts.
    """
    parts = [(name, part.strip()) for name, value in known.items() for part in value.splitlines()]
    # the longest first, since one may be a part of another
    for name, part in sorted(parts, key=lambda each: len(each[1]), reverse=True):
        if len(part) >= SHORTEST:
            text = _without(text, LEFT_OUT.format(name), part)
    return text


def find_passwords(environment: Mapping[str, str]) -> dict[str, str]:
    """The passwords in addresses of proxies, by the variable's name: as they are written, and as they are meant."""
    found = {}
    for name, value in environment.items():
        if name.lower().endswith("_proxy") and (match := _USER_PART.match(value)):
            written = match["password"]
            found[name] = "\n".join(dict.fromkeys((written, unquote(written))))
    return found


def _without(text: str, left_out: str, value: str) -> str:
    text = text.replace(value, left_out)
    kept = text.removesuffix(_CUT)
    if kept != text:
        for length in range(len(value) - 1, SHORTEST - 1, -1):
            if kept.endswith(value[:length]):
                return kept[:-length] + left_out
    return text


def find_first_line(text: str) -> str:
    """The first line that says something, without escape codes and control characters."""
    for line in strip_escapes(text).splitlines():
        words = " ".join("".join(letter if letter.isprintable() else " " for letter in line).split())
        if words:
            return words
    return ""


def fit_sentence(text: str) -> str:
    """`text` as one sentence of at most 120 characters."""
    line = find_first_line(text)
    if len(line) >= LONGEST_SENTENCE:
        return line[: LONGEST_SENTENCE - 1].rstrip() + "…"
    return line if line.endswith((".", "!", "?", "…")) else f"{line}."
