"""Log lines that programs can split: `action=failed of=plan:0c02 message="gave no answer"`."""

import json
import re

_PLAIN = re.compile(r"[^\s\"=\\\x00-\x1f\x7f]+")


def logfmt(action: str, **fields: object) -> str:
    """The line of an event: `action` first, then its fields in the order given.

    A value with a blank, a quote, an equals sign or a control character, and an empty one, stands in quotes, with the
    escapes of JSON, so that it is one line.
    """
    return " ".join(f"{name}={_quote(str(value))}" for name, value in {"action": action, **fields}.items())


def _quote(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)
