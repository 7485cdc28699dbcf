"""The preview of a form: everything that can be known before it is scheduled, and all that is wrong at once."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypeVar

from jupyter_schedule.api.forms import of_form, request_of, spec_of_tarball
from jupyter_schedule.api.frequencies import timing_of
from jupyter_schedule.api.presenter import Presenter
from jupyter_schedule.api.requests import DIGEST, Form
from jupyter_schedule.api.responses import BundledFile, FindingResponse, PreviewResponse, Problem
from jupyter_schedule.core.bundles.packaging import (
    BuiltBundle,
    NotebookInspection,
    PackagingRequest,
    base_spec,
    prepare_bundle,
)
from jupyter_schedule.core.bundles.record import no_such_bundle, read_record
from jupyter_schedule.core.bundles.stored import build_spec
from jupyter_schedule.core.compute import choices
from jupyter_schedule.core.descriptions import destination, summary
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.host import Host
from jupyter_schedule.core.models import Schedule, Spec, Timing, publication_name
from jupyter_schedule.core.notebooks.parameters import coerce_parameters, find_product_parameters
from jupyter_schedule.core.notebooks.places import FileStatus
from jupyter_schedule.core.object_keys import bundle_key
from jupyter_schedule.core.operations import names
from jupyter_schedule.core.operations.costs import cost_before, estimate_of
from jupyter_schedule.core.storage.factory import ObjectStorage

#: stands in for one that is wrong, so that the files can be looked at all the same
SOME_TIMING = Timing(cron="0 12 * * *")
#: stands in for a bundle that wasn't made
NO_BUNDLE = "0" * 64
T = TypeVar("T")


#: why a file is among those that one finding is about
_SEVERAL = {"a pattern matches it", "its folder is read as a whole"}


class _Problems:
    """Refusals, collected."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def catch(self, step: Callable[[], T]) -> T | None:
        try:
            return step()
        except Refused as problem:
            refused = of_form(problem)
            self.found.append(Problem(code=refused.code, message=refused.message, field=refused.field))
            return None


class FilesLook(NamedTuple):
    """All that a form's files alone tell, where they are looked at apart from everything else."""

    problems: tuple[Problem, ...]
    #: the parts of a preview
    seen: dict[str, object]
    #: what was made of them; None when something is wrong
    bundle: str | None


def look_at_files(form: Form, root: Path, host: Host, objects: ObjectStorage) -> FilesLook:
    """Bundle the form's notebook into `objects`, unless something is wrong with it, or with its values."""
    problems = _Problems()
    request = problems.catch(lambda: request_of(form, SOME_TIMING, root))
    if request is None:
        return FilesLook(tuple(problems.found), {}, None)
    examined, made = _bundle(request, root, host, objects, problems)
    return FilesLook(
        tuple(problems.found), _seen(examined, form) if examined else {}, made.spec.bundle if made else None
    )


def preview_form(form: Form, answers: Presenter, query: Mapping[str, str]) -> PreviewResponse:
    """Bundle what the form asks for, unless something is wrong with it.

    query: `schedule` is the one that the form edits; `bundle` was made of its files elsewhere, empty where that failed,
    and without it they are looked at here.
    """
    editing, bundle = query.get("schedule"), query.get("bundle")
    if bundle and not re.fullmatch(DIGEST, bundle):
        raise Refused("invalid", "bundle should be a digest, or empty.", "bundle")
    operations, root = answers.operations, answers.root
    problems = _Problems()
    timing = problems.catch(lambda: timing_of(form.frequency))
    if form.name and form.name != editing:
        problems.catch(
            lambda: operations.schedules.check_name(
                form.name, source=form.notebook, continue_results=form.continue_results
            )
        )
    request = problems.catch(lambda: request_of(form, timing or SOME_TIMING, root))
    tarball = problems.catch(lambda: _preview_tarball(request, form, answers)) if request and form.tarball else None
    examined, made = None, tarball
    if request and not form.tarball and bundle is None:
        examined, made = _bundle(request, root, operations.host, operations.objects, problems)
    if request and not form.tarball and bundle:
        made = problems.catch(lambda: _preview_kept(request, bundle, answers))
    if made:
        problems.catch(
            lambda: operations.schedules.check_edit(
                operations.schedules.with_storage(made.spec, _base(editing, answers))
            )
        )
    name = form.name or names.suggest(Path(form.notebook or "").stem)
    shape = PreviewResponse(
        problems=tuple(problems.found),
        suggested_name=_free_name(form, answers),
        name_with_results=wanted if operations.schedules.can_continue(wanted := _wanted_name(form)) else None,
        can_be_public=operations.storage.can_be_public,
        workers=choices(operations.offers()),
        channels=operations.channels,
    )
    if examined:
        shape = shape.model_copy(update=_seen(examined, form))
    if tarball:
        findings = [FindingResponse(level="warning", code="no_command", message=said) for said in tarball.warnings]
        shape = shape.model_copy(update={"findings": tuple(findings), "output_dir": tarball.spec.output_dir})
    if made and not problems.found:
        shape = shape.model_copy(update={"bundle": made.spec.bundle, "size": made.size})
    if request and timing:
        plain = made.spec if made else base_spec(request, root, NO_BUNDLE)
        spec = operations.schedules.with_storage(plain, _base(editing, answers))
        shape = shape.model_copy(update=_told(name, spec, answers, editing))
    return shape


def _bundle(
    request: PackagingRequest, root: Path, host: Host, objects: ObjectStorage, problems: _Problems
) -> tuple[NotebookInspection | None, BuiltBundle | None]:
    """The inspection of the notebook, and its bundle where nothing is wrong with the form."""
    with ExitStack() as stack:
        opened = prepare_bundle(request, root, host)
        prepared = problems.catch(lambda: stack.enter_context(opened))
        if prepared is None:
            return None, None
        problems.catch(lambda: _check_parameters(request, prepared.seen))
        made = None if problems.found else problems.catch(lambda: prepared.keep(objects))
        return prepared.seen, made


def _preview_kept(request: PackagingRequest, bundle: str, answers: Presenter) -> BuiltBundle:
    """The bundle of a notebook that was made elsewhere and sent."""
    objects = answers.operations.objects
    spec = build_spec(request, answers.root, objects, bundle, answers.operations.host)
    size = objects.size(bundle_key(bundle))
    if size is None:
        raise no_such_bundle()
    return BuiltBundle(spec=spec, files=(), size=size, record=read_record(objects, bundle))


def _preview_tarball(request: PackagingRequest, form: Form, answers: Presenter) -> BuiltBundle:
    """The bundle of a tarball that was uploaded, checked for the script that its command starts."""
    spec = spec_of_tarball(request, answers.root, form.tarball or "")
    objects = answers.operations.objects
    size = objects.size(bundle_key(spec.bundle))
    if size is None:
        raise no_such_bundle()
    script = re.match(r"\./[\w./-]+", spec.command)
    record = read_record(objects, spec.bundle)
    missing = script and PurePosixPath(script[0]).as_posix() not in record.files
    warnings = (f"{script[0]} is not in the tarball.",) if script and missing else ()
    return BuiltBundle(spec=spec, files=(), size=size, record=record, warnings=warnings)


def _base(editing: str | None, answers: Presenter) -> str | None:
    """The place that the edited schedule has published to up to now; None of a new one."""
    edited = _edited(editing, answers)
    return edited.spec.publication_base if edited else None


def _check_parameters(request: PackagingRequest, examined: NotebookInspection) -> None:
    coerce_parameters(examined.checked.parameters, request.parameters, request.parameter_texts)


def _free_name(form: Form, answers: Presenter) -> str:
    """A name from the notebook's that can be taken, or nearly: `report`, `report-2`."""
    wanted = _wanted_name(form)
    schedules = answers.operations.schedules
    try:
        schedules.check_name(wanted, source=form.notebook)
    except Refused:
        return schedules.find_free_name(wanted)
    return wanted


def _wanted_name(form: Form) -> str:
    return names.suggest(Path(form.notebook or "").stem) or "analysis"


def _seen(examined: NotebookInspection, form: Form) -> dict[str, object]:
    checked, needs = examined.checked, examined.needs
    return {
        "files": tuple(_files(examined, form)),
        "findings": tuple(_findings(examined, form)),
        "parameters": checked.parameters,
        "filled": find_product_parameters(checked.parameters),
        "output_dir": checked.output_dir,
        "python_version": needs.python_version if needs else None,
        "requirements_source": needs.source if needs else None,
        "requirements": needs.pinned if needs else (),
    }


def _findings(examined: NotebookInspection, form: Form) -> Iterator[FindingResponse]:
    """The findings; a file that the person left out isn't said to be included, but that a run lacks it."""
    checked = examined.checked
    left = [file for file in checked.files if file.path in form.left_out and file.status is FileStatus.INCLUDED]
    modules = [path for path in checked.local_modules if path in form.left_out]
    names = {PurePosixPath(path).name for path in [*(file.path for file in left), *modules]}
    # of several files in one sentence some may be left out, and then its number isn't so
    counted = {file.cell for file in left if file.why in _SEVERAL}
    for finding in checked.findings:
        told = any(name in finding.message for name in names) or (finding.cell in counted and "file" in finding.message)
        if finding.level == "ok" and told:
            continue
        message = " ".join(filter(None, (finding.message, finding.fix)))
        yield FindingResponse(
            level=finding.level, code=finding.code, message=message, cell=finding.cell, fix=finding.addable
        )
    for file in left:
        where = f": cell {file.cell} uses it" if file.cell else ""
        message = f"{file.path} is left out{where}, and a run lacks it."
        yield FindingResponse(level="warning", code="left_out", message=message, cell=file.cell, fix=file.path)
    for path in modules:
        message = f"{path} is left out: it is imported, and a run lacks it."
        yield FindingResponse(level="warning", code="left_out", message=message, fix=path)


def _files(examined: NotebookInspection, form: Form) -> Iterator[BundledFile]:
    """The notebook, what it uses, what the person named, and what stays out of either."""
    own = examined.path
    yield BundledFile(path=form.notebook or own.name, size=own.stat().st_size, status="included", why="the notebook")
    told = set()
    for file in examined.checked.files:
        told.add(file.path)
        status = "left_out" if file.path in form.left_out else str(file.status)
        if file.path in examined.chosen.files:
            status = "named"
        included = status == "included" and file.cell is not None
        why = f"cell {file.cell} uses it" if included else file.why
        yield BundledFile(path=file.path, size=file.size, status=status, why=why, cell=file.cell)
    for path in examined.checked.local_modules:
        if path not in told:
            status = FileStatus.INCLUDED if path in examined.wanted else "left_out"
            yield BundledFile(path=path, size=_size(examined, form, path), status=status, why="it is imported")
    for left in examined.chosen.left_out:
        yield BundledFile(path=left.path, size=0, status="left_out", why=left.why)


def _size(examined: NotebookInspection, form: Form, path: str) -> int:
    root = examined.path.parents[len(Path(form.notebook or "").parts) - 1]
    try:
        return (root / path).stat().st_size
    except OSError:
        return 0


def _told(name: str, spec: Spec, answers: Presenter, editing: str | None) -> dict[str, object]:
    operations, edited = answers.operations, _edited(editing, answers)
    publication = publication_name(operations.owner, name)
    recorded = edited.id if edited else None
    return {
        "estimate": estimate_of(operations.store, operations.offers(), spec, recorded, answers.now),
        "publishing_cost": cost_before(operations, spec, edited),
        "summary": summary(publication, spec, answers.now, answers.reader),
        "destination": destination(publication, spec),
        "next": answers.next(spec),
    }


def _edited(name: str | None, answers: Presenter) -> Schedule | None:
    """The schedule that the form changes; None for a new one, and for one that is gone."""
    with suppress(Refused):
        return answers.operations.schedules.get(name) if name else None
    return None
