"""The values that a run was given and nobody may be told are taken out of what is said of it."""

from collections.abc import Mapping

#: the shortest value that is taken out: shorter ones are words
SHORTEST = 4
LEFT_OUT = "[left out: {}]"
#: what a text ends with that was cut short
_CUT = "…"


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


def _without(text: str, left_out: str, value: str) -> str:
    text = text.replace(value, left_out)
    kept = text.removesuffix(_CUT)
    if kept != text:
        for length in range(len(value) - 1, SHORTEST - 1, -1):
            if kept.endswith(value[:length]):
                return kept[:-length] + left_out
    return text
