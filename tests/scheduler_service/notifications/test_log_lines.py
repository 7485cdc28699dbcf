"""Of a log, what may be told: no key, no password, no terminal's commands."""

import pytest

from scheduler_service.notifications.message import LINES, LONGEST, select_last_lines

KEY = "-----BEGIN RSA PRIVATE KEY-----"
END = "-----END RSA PRIVATE KEY-----"
LEFT = "[left out: a private key]"
BODY = [f"canary{number}MIIEowIBAAKCAQEA7bq98" for number in range(40)]


def test_the_last_lines_that_say_something_are_told() -> None:
    text = "\n".join(f"line {number}\n" for number in range(100))
    assert select_last_lines(text, {}) == [f"line {number}" for number in range(100 - LINES, 100)]
    assert select_last_lines("", {}) == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("\x1b[31mKeyError\x1b[0m: 'region'", "KeyError: 'region'"),
        ("10 %\r50 %\r100 %", "100 %"),
        ("100 %\r", "100 %"),
        ("bell\a and\x00more", "bell  and more"),
        ("x" * 1000, "x" * LONGEST + "…"),
        ("password=canary-99!x", "[left out: a line with a password or token]"),
        ("Authorization: Bearer canary.99x-abcdefghijklmnopq", "[left out: a line with a bearer token]"),
        ("postgresql://ann:canary99@host/base", "[left out: a line with a Basic Auth Credentials]"),
        ("it is canary-given, they say", "it is [left out: GIVEN], they say"),
    ],
)
def test_a_line_is_told_without_what_is_nobodys_business(line: str, told: str) -> None:
    lines = select_last_lines(line, {"GIVEN": "canary-given", "SHORT": "x"})
    assert "canary" not in "".join(lines)
    assert lines[0].startswith("[left out") if told.startswith("[left out") else lines == [told]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            ["before", KEY, *BODY, END, "after"],
            ["before", LEFT, LEFT, "after"],
        ),
        (["before", KEY, *BODY], ["before", LEFT]),
        ([KEY + " canary " + END, "after"], [LEFT, "after"]),
    ],
)
def test_a_private_key_is_left_out_also_where_its_end_is_missing(text: list[str], told: list[str]) -> None:
    assert select_last_lines("\n".join(text), {}) == told
