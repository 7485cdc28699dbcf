"""Notebooks that are kept as text, as jupytext has them: read as notebooks, and compared with the other of a pair."""

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.text import quote_name

#: endings of text that jupytext reads without another program
ENDINGS = frozenset(
    {".py", ".md", ".markdown", ".rmd", ".r", ".jl", ".sh", ".bash", ".scala", ".ts", ".js", ".q", ".m", ".pl", ".rb"}
)
#: kernels of notebooks that only say their language
_KERNELS = {"R": "ir", "bash": "bash", "sh": "bash"}


def is_text_notebook(name: str) -> bool:
    """True of a file that is read as a notebook of text."""
    return Path(name).suffix.lower() in ENDINGS


def name_as_notebook(path: str) -> str:
    """The path that the file has in a bundle as a notebook: another than its own where it is text."""
    return PurePosixPath(path).with_suffix(".ipynb").as_posix() if is_text_notebook(path) else path


def parse_text_notebook(name: str, raw: bytes) -> dict[str, Any]:
    """The JSON of a notebook of text; the same text gives the same notebook.  Raises Refused `not_a_notebook`."""
    import jupytext  # noqa: PLC0415  (rarely needed, and slow to load)

    try:
        content = jupytext.reads(raw.decode("utf-8-sig"), fmt=Path(name).suffix.removeprefix("."))
        notebook = json.loads(json.dumps(content))
    except UnicodeDecodeError:
        raise _refused(name, "it isn't UTF-8 text") from None
    except Exception as problem:  # jupytext, its readers of markdown and YAML raise what they like
        raise _refused(name, f"jupytext can't read it ({type(problem).__name__})") from None
    if not any(cell.get("cell_type") == "code" and cell.get("source", "").strip() for cell in notebook["cells"]):
        raise _refused(name, "it has no code in it")
    for cell in notebook["cells"]:
        # made up anew at every reading
        cell.pop("id", None)
    notebook["nbformat_minor"] = 4
    metadata = notebook.setdefault("metadata", {})
    language = (metadata.get("jupytext") or {}).get("main_language", "python")
    if "kernelspec" not in metadata and language != "python":
        kernel = _KERNELS.get(language, language)
        metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": language}
    return dict(notebook)


def find_newer_twin(path: Path, notebook: Mapping[str, Any]) -> Path | None:
    """The other of a pair (`formats: ipynb,py:percent`), where that was saved later and its cells are others."""
    formats = _jupytext_metadata(notebook).get("formats")
    if not isinstance(formats, str) or "," not in formats:
        return None
    from jupytext.paired_paths import paired_paths  # noqa: PLC0415  (as above)

    try:
        base = next(form for form in formats.split(",") if path.name.endswith(_ending(form)))
        twins = [Path(found) for found, _ in paired_paths(str(path), base.strip(), formats)]
        saved = path.stat().st_mtime
        newer = [twin for twin in twins if twin != path and twin.is_file() and twin.stat().st_mtime > saved]
        return next((twin for twin in newer if _sources(_read(twin)) != _sources(notebook)), None)
    except Exception:  # whatever is wrong with a pair is no reason not to schedule one of it
        return None


def _ending(form: str) -> str:
    """The ending of a format such as `scripts//py:percent`."""
    return "." + form.strip().rpartition("/")[2].partition(":")[0].rpartition(".")[2]


def _read(path: Path) -> Mapping[str, Any]:
    raw = path.read_bytes()
    return parse_text_notebook(path.name, raw) if is_text_notebook(path.name) else json.loads(raw)


def _sources(notebook: Mapping[str, Any]) -> list[str]:
    """The code of its cells, without the blank lines that formats differ in."""
    texts = []
    for cell in notebook.get("cells", ()):
        source = cell.get("source", "") if cell.get("cell_type") == "code" else ""
        text = "".join(source) if isinstance(source, list) else source
        texts.append("\n".join(line.rstrip() for line in text.split("\n") if line.strip()))
    return [text for text in texts if text]


def _jupytext_metadata(notebook: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = notebook.get("metadata")
    found = metadata.get("jupytext") if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def _refused(name: str, why: str) -> Refused:
    return Refused("not_a_notebook", f"{quote_name(name)} isn't a notebook: {why}.", "notebook")
