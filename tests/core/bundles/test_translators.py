"""Values become literals of each language: what arrives is what was given, and nothing of it is ever code."""

import subprocess
from typing import Any

import pytest
from papermill.translators import translate_parameters

from jupyter_schedule.core.bundles.wrapper.translators import TRANSLATORS, register_translators

NASTY = "a\"b'c\\d$(id)${x}`id`\n\té—數"


def literal(kernel: str, language: str, value: Any) -> str:
    """The last line of the cell that a kernel of that language gets."""
    register_translators(kernel, language)
    return str(translate_parameters(kernel, language, {"x": value})).strip().partition("\n")[2]


@pytest.mark.parametrize(
    ("kernel", "language", "value", "written"),
    [
        ("ir", "R", "south", 'x = "south"'),
        ("ir", "R", NASTY, 'x = "a\\"b\'c\\\\d$(id)${x}`id`\\n\\té—數"'),
        ("ir", "r", True, "x = TRUE"),
        ("conda-env-R-r", "R", [1, "a"], 'x = list(1, "a")'),
        ("ir", "R", ["a", '"'], 'x = c("a", "\\"")'),
        ("ir", "R", [1, 0.5], "x = c(1, 0.5)"),
        ("ir", "R", [True, 1], "x = list(TRUE, 1)"),
        ("ir", "R", [["a"], "b"], 'x = list(c("a"), "b")'),
        ("ir", "R", [], "x = list()"),
        ("julia-1.10", "julia", "$(exit(3))", 'x = "\\$(exit(3))"'),
        ("julia-1.10", "Julia", NASTY, 'x = "a\\"b\'c\\\\d\\$(id)\\${x}`id`\\n\\té—數"'),
        ("julia-1.10", "julia", {"k$": None}, 'x = Dict("k\\$" => nothing)'),
        ("scala212", "scala", "é\u2028$x", 'val x = "é\\u2028$x"'),
        ("almond", "Scala", 2**40, f"val x = {2**40}L"),
        ("bash", "bash", NASTY, "x='a\"b'\"'\"'c\\d$(id)${x}`id`\n\té—數'"),
        ("bash", "Bash", {"a b": "$x"}, "declare -A x=(['a b']='$x')"),
        ("bash", "bash", ["a b", 1], "x=('a b' 1)"),
        (".net-powershell", "PowerShell", "it's $(id) `n \u2019", "$x = 'it''s $(id) `n \u2019\u2019'"),
        (".net-csharp", "C#", 'a"$\\', 'var x = "a\\"$\\\\";'),
        (".net-fsharp", "F#", 'a"\n', 'let x = "a\\"\\n"'),
        ("matlab", "matlab", 'say "hi"\n$x', 'x = ("say ""hi""" + char(10) + "$x");'),
        ("octave", "octave", "it's\n$x", "x = ['it''s', char(10), '$x'];"),
        ("pysparkkernel", "python", NASTY, None),
        ("python3", "python", NASTY, None),
        ("sagemath", "sage", NASTY, None),
    ],
)
def test_a_value_is_a_literal_of_the_language_however_that_is_spelled(
    kernel: str, language: str, value: Any, written: str | None
) -> None:
    text = literal(kernel, language, value)
    if written is None:
        namespace: dict[str, Any] = {}
        exec(text, namespace)
        assert namespace["x"] == value
    else:
        assert text == written


TEXTS = [NASTY, "", " ", "'", '"', "\\", "$", "$(touch made)", "`touch made`", "!1", "a\r\nb", "~", "*", "\x7f\x1b"]


def test_bash_reads_back_the_very_text_and_executes_nothing_of_it() -> None:
    for text in TEXTS:
        said = subprocess.run(
            ["bash", "-c", literal("bash", "bash", text) + '\nprintf %s "$x"'], capture_output=True, check=True
        )
        assert said.stdout.decode() == text


def test_every_name_is_in_lower_case_since_that_is_how_it_is_looked_up() -> None:
    assert all(name == name.lower() for name in TRANSLATORS)
