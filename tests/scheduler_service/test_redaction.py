"""What may be told of a run, in one sentence."""

import pytest

from scheduler_service.redaction import redact, secret_values
from tests.factories import make_spec

KEY = "ghp_" + "a1B2" * 9


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("Succeeded in 6.1 s.", "Succeeded in 6.1 s."),
        ("KeyError at cell 7 of 9: 'region'.", "KeyError at cell 7 of 9: 'region'."),
        (f"ValueError at cell 2 of 3: no access with {KEY}.", "ValueError at cell 2 of 3: [left out: a GitHub token]"),
        (f"{KEY} was not found (exit code 127).", "[left out: a GitHub token]"),
        (f"{KEY}: was not found.", "[left out: a GitHub token]"),
        ("OSError at cell 1 of 1: opensesame said no.", "OSError at cell 1 of 1: [left out: DOOR] said no."),
        ("OSError at cell 1 of 1: opense…", "OSError at cell 1 of 1: [left out: DOOR]"),
        ("Not a word of it…", "Not a word of it…"),
    ],
)
def test_a_sentence_says_where_it_failed_but_no_secret(sentence: str, told: str) -> None:
    assert redact(sentence, {"DOOR": "opensesame", "SHORT": "a"}) == told


def test_each_line_of_a_value_and_a_value_that_holds_another_are_left_out() -> None:
    known = {"PART": "opens", "KEY": "first line\nopensesame\n"}
    assert redact("It said opensesame, then first line.", known) == "It said [left out: KEY], then [left out: KEY]."


def test_the_values_are_those_of_the_variables_that_the_schedule_lists() -> None:
    assert secret_values(make_spec(env=("DOOR", "ABSENT")), {"DOOR": "opensesame", "HOME": "/"}) == {
        "DOOR": "opensesame"
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTPS_PROXY", "http://ann:opensesame@proxy.example:3128"),
        ("https_proxy", "http://ann:open%73esame@proxy.example:3128/"),
        ("ALL_PROXY", "socks5h://team%5Cann:opensesame@[::1]:1080"),
        ("http_proxy", "ann:opensesame@proxy:80"),
    ],
)
def test_the_password_of_a_proxy_is_told_to_nobody(name: str, value: str) -> None:
    known = secret_values(make_spec(), {name: value, "NO_PROXY": "localhost,10.0.0.0/8"})
    said = redact(f"ProxyError at cell 2 of 3: {value} or opensesame: 407", known)
    assert said.startswith("ProxyError at cell 2 of 3: ")
    assert "esame" not in said
