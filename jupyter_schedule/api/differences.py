"""The difference of a schedule's version from another, or from the notebook as it is on disk now."""

from functools import lru_cache
from pathlib import Path

from jupyter_schedule.api.forms import form_of
from jupyter_schedule.api.responses import (
    CellResponse,
    DifferenceResponse,
    DifferenceState,
    FileChange,
    LineResponse,
    VersionDetails,
)
from jupyter_schedule.core.bundles.record import read_record
from jupyter_schedule.core.bundles.stored import read_files
from jupyter_schedule.core.bundles.wrapper.render import is_generated
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Schedule, Spec, Version
from jupyter_schedule.core.notebooks.diff import Document, NotebookDiff, diff_documents
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.storage.factory import ObjectStorage


def version_difference(
    operations: Operations, root: Path, name: str, before: int | None, after: int
) -> DifferenceResponse:
    """The difference of two versions, without `before` of the current one: the form, the notebook, and which files.

    Raises Refused `no_such_version`.
    """
    schedule = operations.schedules.get(name)
    old, new = (operations.schedules.get_version(name, number) for number in (before or schedule.version, after))
    plain = DifferenceResponse(
        state=DifferenceState.SAME, before=_details(schedule, old, root), after=_details(schedule, new, root)
    )
    if old.spec.bundle == new.spec.bundle:
        return plain
    try:
        found = operations.host.ask(diff_documents, _bundled(operations, old.spec), _bundled(operations, new.spec))
        files = _files(operations, old.spec, new.spec)
    except Refused as refused:
        return plain.model_copy(update={"state": DifferenceState.UNREADABLE, "message": refused.message})
    return plain.model_copy(update={**_told(found, differs=bool(found or files)), "files": files})


def drift(operations: Operations, root: Path | None, name: str, number: int | None) -> DifferenceResponse:
    """The difference of the notebook on disk from the one of a version; without a number, of the current one.

    root: None where no notebook of who asks is on this disk; then nothing is known to differ.
    """
    schedule = operations.schedules.get(name)
    version = operations.schedules.get_version(name, number or schedule.version)
    details = _details(schedule, version, root or Path(version.spec.root or "/"))
    plain = DifferenceResponse(state=DifferenceState.NONE, before=details)
    path = details.form.notebook
    if root is None or path is None or version.spec.notebook is None:
        return plain
    try:
        found = operations.host.ask(diff_documents, _bundled(operations, version.spec), root / path)
    except Refused as refused:
        gone = refused.code == "notebook_missing"
        message = f"{path} isn't there any more. The schedule runs on from its own copy of it."
        state = DifferenceState.GONE if gone else DifferenceState.UNREADABLE
        return plain.model_copy(update={"state": state, "message": message if gone else refused.message})
    return plain.model_copy(update=_told(found, differs=bool(found)))


def _details(schedule: Schedule, version: Version, root: Path) -> VersionDetails:
    return VersionDetails(
        version=version.version,
        author=version.author,
        created_at=version.created_at,
        bundle=version.spec.bundle,
        timing=version.spec.timing,
        form=form_of(schedule.model_copy(update={"spec": version.spec}), root),
    )


def _bundled(operations: Operations, spec: Spec) -> Document:
    """The notebook that the bundle holds; None where it holds none."""
    if spec.notebook is None:
        return None
    return spec.notebook, _member(operations.objects, spec.bundle, spec.notebook)


# a panel asks again and again, and a bundle may be large; its digest names its content for good
@lru_cache(maxsize=4)
def _member(objects: ObjectStorage, digest: str, path: str) -> bytes:
    data = read_files(objects, digest, {path}).get(path)
    if data is None:
        raise Refused("no_such_bundle", "The bundle doesn't hold the notebook any more.", "files")
    return data


def _files(operations: Operations, old: Spec, new: Spec) -> tuple[FileChange, ...]:
    """The other files that differ, by their paths."""
    before, after = (read_record(operations.objects, spec.bundle).files for spec in (old, new))
    notebooks = {old.notebook, new.notebook}
    return tuple(
        FileChange(path=path, kind="removed" if path not in after else "added" if path not in before else "changed")
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
        and path not in notebooks
        and not all(is_generated(path, files) for files in (before, after) if path in files)
    )


def _told(found: NotebookDiff, *, differs: bool) -> dict[str, object]:
    cells = tuple(
        CellResponse(
            kind=cell.kind,
            type=cell.type,
            number=cell.number,
            lines=tuple(LineResponse(kind=line.kind, text=line.text) for line in cell.lines),
            tags=cell.tags,
        )
        for cell in found.cells
    )
    state = DifferenceState.DIFFERS if differs else DifferenceState.SAME
    return {"state": state, "cells": cells, "more": found.more, "kernels": found.kernels}
