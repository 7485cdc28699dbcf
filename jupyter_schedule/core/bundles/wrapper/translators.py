"""A parameter's value as a literal of the notebook's language: always data, never code, and the very characters given.

papermill's translators write text as Python's `unicode_escape` does, by which `é` becomes a byte in R and Julia and an
error in Scala, and leave `$` for Julia and PowerShell to evaluate.  These write it as each language reads it.
"""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from papermill import translators as papermills

_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", '"': '\\"'}


def escape(text: str, also: str = "", unicode: str = "\\u{:04x}") -> str:
    """`text` for double quotes of a language that has C's escapes; `also`: what is special there besides."""
    special = _NAMED | {character: f"\\{character}" for character in also}
    return "".join(special.get(each) or (unicode.format(ord(each)) if _is_control(each) else each) for each in text)


def _is_control(character: str) -> bool:
    # line and paragraph separators end a line in some languages
    return ord(character) < 32 or 127 <= ord(character) < 160 or character in "\u2028\u2029"


class _Exact:
    """Text in double quotes with C's escapes."""

    also: ClassVar = ""

    @classmethod
    def translate_escaped_str(cls, str_val: Any) -> str:
        return f'"{escape(str(str_val), cls.also)}"'


class RTranslator(_Exact, papermills.RTranslator):
    """R: values of one kind as the vector that a notebook with `c(…)` counts with; it does for `list(…)` as well."""

    @classmethod
    def translate_list(cls, val: Sequence[Any]) -> str:
        alike = {type(value) for value in val} in ({str}, {bool}, {int}, {float}, {int, float})
        written = ", ".join(cls.translate(value) for value in val)
        return f"c({written})" if alike else f"list({written})"


class ScalaTranslator(_Exact, papermills.ScalaTranslator):
    """Scala."""


class JuliaTranslator(_Exact, papermills.JuliaTranslator):
    """Julia, which interpolates what follows a `$`."""

    also = "$"


class CSharpTranslator(_Exact, papermills.CSharpTranslator):
    """C#."""


class FSharpTranslator(_Exact, papermills.FSharpTranslator):
    """F#."""


class PowershellTranslator(papermills.PowershellTranslator):
    """PowerShell: single quotes, in which nothing is evaluated; it takes typographic ones for the same."""

    @classmethod
    def translate_escaped_str(cls, str_val: Any) -> str:
        return "'" + "".join(each * 2 if each in "'\u2018\u2019\u201a\u201b" else each for each in str(str_val)) + "'"


class BashTranslator(papermills.BashTranslator):
    """Bash, also with an associative array for an object."""

    @classmethod
    def translate_dict(cls, val: Mapping[str, Any]) -> str:
        return "(" + " ".join(f"[{shlex.quote(key)}]={cls.translate(value)}" for key, value in val.items()) + ")"

    @classmethod
    def codify(cls, parameters: Mapping[str, Any], comment: str = "Parameters") -> str:
        """The cell: an object is declared, since Bash would take its keys for numbers."""
        lines = [cls.comment(comment)]
        for name, value in parameters.items():
            declared = "declare -A " if isinstance(value, dict) else ""
            lines.append(f"{declared}{name}={cls.translate(value)}")
        return "\n".join(lines) + "\n"


class MatlabTranslator(papermills.MatlabTranslator):
    """Matlab: no escapes within quotes, and no line's end either."""

    @classmethod
    def translate_escaped_str(cls, str_val: Any) -> str:
        pieces = [f'"{"".join(run)}"' if plain else f"char({ord(run[0])})" for plain, run in _runs(str(str_val), '"')]
        return pieces[0] if len(pieces) == 1 else "(" + " + ".join(pieces) + ")"


class OctaveTranslator(papermills.MatlabTranslator):
    """Octave: character arrays, put together."""

    @classmethod
    def translate_escaped_str(cls, str_val: Any) -> str:
        pieces = [f"'{''.join(run)}'" if plain else f"char({ord(run[0])})" for plain, run in _runs(str(str_val), "'")]
        return pieces[0] if len(pieces) == 1 else "[" + ", ".join(pieces) + "]"


def _runs(text: str, quote: str) -> list[tuple[bool, list[str]]]:
    """Stretches of plain characters, with `quote` doubled, and control characters, each alone."""
    runs: list[tuple[bool, list[str]]] = [(True, [])]
    for character in text:
        if _is_control(character):
            runs += [(False, [character]), (True, [])]
        else:
            runs[-1][1].append(character * 2 if character == quote else character)
    return [run for run in runs if run[1]] or [(True, [])]


#: by the name of a language, or of a kernel whose language isn't here, in lower case
TRANSLATORS: dict[str, Any] = {
    "python": papermills.PythonTranslator,
    "python3": papermills.PythonTranslator,
    "ipython": papermills.PythonTranslator,
    "sage": papermills.PythonTranslator,
    "sagemath": papermills.PythonTranslator,
    "sos": papermills.PythonTranslator,
    "pysparkkernel": papermills.PythonTranslator,
    "r": RTranslator,
    "sparkrkernel": RTranslator,
    "julia": JuliaTranslator,
    "scala": ScalaTranslator,
    "scala2": ScalaTranslator,
    "scala3": ScalaTranslator,
    "sparkkernel": ScalaTranslator,
    "bash": BashTranslator,
    "zsh": BashTranslator,
    "matlab": MatlabTranslator,
    "octave": OctaveTranslator,
    "c#": CSharpTranslator,
    "csharp": CSharpTranslator,
    ".net-csharp": CSharpTranslator,
    "f#": FSharpTranslator,
    "fsharp": FSharpTranslator,
    ".net-fsharp": FSharpTranslator,
    "powershell": PowershellTranslator,
    "pwsh": PowershellTranslator,
    ".net-powershell": PowershellTranslator,
}


def register_translators(kernel_name: str, language: str) -> None:
    """papermill takes the translator of this kernel from here, by its language or else its name, however spelled."""
    translator = TRANSLATORS.get(language.lower()) or TRANSLATORS.get(kernel_name.lower())
    if translator is not None:
        papermills.papermill_translators.register(kernel_name, translator)
