"""The report as a page: what its author wants to be seen, with the pictures in it."""

import base64
import mimetypes
from pathlib import Path
from typing import Any

from .pictures import read_path, replace_in_html, replace_pictures

#: bytes of a picture beyond which a page is no place for it
LARGEST_PICTURE = 20_000_000
#: tags of nbconvert's and Jupyter Book's for what a page leaves out, both spellings
_CELL = {"remove-cell", "hide-cell"}
_INPUT = {"remove-input", "hide-input"}
_OUTPUT = {"remove-output", "hide-output"}


def make_page(path: Path, folder: Path, *, hide_code: bool = False) -> str:
    """The executed notebook at `path` as HTML, pictures relative to `folder`.  Raises whatever nbconvert does."""
    import nbformat  # noqa: PLC0415  (both heavy: imported while the kernel was booting)
    from nbconvert.exporters.html import HTMLExporter  # noqa: PLC0415

    reader: Any = nbformat
    notebook = reader.read(path, as_version=4)
    leave_out(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            embed_pictures(cell, folder)
        for output in cell.get("outputs") or ():
            embed_in_output(output, folder)
    exporter: Any = HTMLExporter
    options = {"exclude_input": True, "exclude_output_prompt": True} if hide_code else {}
    page, _ = exporter(**options).from_notebook_node(notebook, resources={"metadata": {"name": path.stem}})
    return str(page)


def leave_out(notebook: Any) -> None:
    """Drop the cells, code and outputs that tags, or JupyterLab's collapsing, keep from being seen."""
    notebook.cells = [cell for cell in notebook.cells if not _tags(cell) & _CELL]
    for cell in notebook.cells:
        collapsed = cell.metadata.get("jupyter") or {}
        if _tags(cell) & _INPUT or collapsed.get("source_hidden"):
            cell.metadata["transient"] = {"remove_source": True}
        if cell.cell_type == "code" and (_tags(cell) & _OUTPUT or collapsed.get("outputs_hidden")):
            cell.outputs = []


def _tags(cell: Any) -> set[str]:
    return {str(tag).replace("_", "-") for tag in cell.metadata.get("tags") or ()}


def embed_pictures(cell: Any, folder: Path) -> None:
    """A Markdown cell's pictures become parts of it; one that isn't there stays as it is."""
    attachments = dict(cell.get("attachments") or {})

    def attach(target: str) -> str | None:
        if target.startswith("attachment:"):
            name = target.removeprefix("attachment:")
            # nbconvert makes no page at all of a notebook that lacks one
            return None if name in attachments else name
        found = read_picture(target, folder)
        if found is None:
            return None
        name = f"file-{len(attachments)}"
        attachments[name] = {found[0]: found[1]}
        return f"attachment:{name}"

    cell.source = replace_pictures(cell.source, attach, lambda target: read_inline(target, folder))
    if attachments:
        cell["attachments"] = attachments


def embed_in_output(output: Any, folder: Path) -> None:
    """The pictures of what a cell shows as Markdown or HTML, which has no attachments."""
    data = output.get("data") or {}
    if isinstance(text := data.get("text/markdown"), str):
        data["text/markdown"] = replace_pictures(
            text, lambda target: read_inline(target, folder), lambda target: read_inline(target, folder)
        )
    if isinstance(html := data.get("text/html"), str):
        data["text/html"] = replace_in_html(html, lambda target: read_inline(target, folder))


def read_inline(target: str, folder: Path) -> str | None:
    """The picture that an address means as an address that holds it; None where there is none."""
    found = read_picture(target, folder)
    return None if found is None else f"data:{found[0]};base64,{found[1]}"


def read_picture(target: str, folder: Path) -> tuple[str, str] | None:
    """Type and base64 text of the picture that an address in Markdown means; None where there is none."""
    name = read_path(target)
    kind = mimetypes.guess_type(name)[0] if name else None
    if name is None or not (kind or "").startswith("image/"):
        return None
    try:
        path = folder / name
        if not path.is_file() or path.stat().st_size > LARGEST_PICTURE:
            return None
        return kind or "", base64.b64encode(path.read_bytes()).decode()
    except (OSError, ValueError):
        return None
