"""The form, and what it stands for: a request to bundle, the spec of a schedule, a patch of either."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit
from zoneinfo import available_timezones

from annotated_types import Ge, Le
from pydantic import BaseModel, TypeAdapter

from jupyter_schedule.api.frequencies import frequency_of, timing_of
from jupyter_schedule.api.requests import Form
from jupyter_schedule.api.responses import NumberLimits
from jupyter_schedule.api.validation import validated
from jupyter_schedule.core import expectations
from jupyter_schedule.core.bundles.packaging import (
    PackagingRequest,
    base_spec,
    build_bundle,
    list_inputs,
    normalize_output_dir,
)
from jupyter_schedule.core.bundles.record import read_record
from jupyter_schedule.core.bundles.stored import build_spec, check_parameters
from jupyter_schedule.core.compute import left_behind
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Schedule, Spec, Timing
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.timing import recurrence

_FORM = TypeAdapter(Form)
#: what core calls some of the form's fields
_FIELDS = {"day": "day_of_month", "once": "date", "timeout": "timeout_minutes"}
#: what can't change while the bundle stays, and what to call it
_BUNDLED = {"notebook": "notebook", "files": "files", "left_out": "files", "kernel": "kernel"}
#: of a schedule that runs once by hand and never by the clock; of its frequency only the zone counts, for dates
_NOON = "0 12 * * *"


def of_form(refused: Refused) -> Refused:
    """The refusal with the name that its field has in the form."""
    field = _FIELDS.get(refused.field, refused.field) if refused.field else None
    return Refused(refused.code, refused.message, field)


def request_of(form: Form, timing: Timing, root: Path) -> PackagingRequest:
    """The form's request to bundle.  Texts of input fields are typed by the notebook's parameters cell."""
    texts = {name: value for name, value in form.parameters.items() if isinstance(value, str)}
    return PackagingRequest(
        timing=timing,
        notebook=_inside(form.notebook, root) if form.notebook is not None else None,
        files=form.files,
        left_out=form.left_out,
        parameters={name: value for name, value in form.parameters.items() if name not in texts},
        parameter_texts=texts,
        output_dir=form.output_dir,
        timeout=form.timeout_minutes,
        kernel=form.kernel,
        **form.options,
    )


def form_of(schedule: Schedule, root: Path) -> Form:
    """The form that makes such a schedule; of one made from files outside `root` it has no notebook."""
    spec = schedule.spec
    source_root = _source_root(spec, root)
    notebook = _relocated(spec.source, source_root, root) if spec.source is not None else None
    moved = (_relocated(path, source_root, root) for path in spec.files)
    left_out = (_relocated(path, source_root, root) for path in spec.left_out)
    return Form(
        notebook=notebook,
        tarball=spec.bundle if spec.notebook is None and spec.source is None else None,
        name=schedule.name,
        frequency=frequency_of(spec.timing),
        parameters=spec.parameters,
        files=tuple(path for path in moved if path is not None),
        left_out=tuple(path for path in left_out if path is not None),
        output_dir=spec.output_dir,
        timeout_minutes=spec.timeout,
        kernel=spec.kernel.name if spec.kernel else None,
        **spec.options,
    )


def sources_of(notebook: str, root: Path) -> Iterator[str]:
    """The sources that a notebook may be recorded as: its path, relative to each of the folders that it is in."""
    yield notebook
    parts = (root / notebook).parts[1:]
    yield from ("/".join(parts[start:]) for start in range(len(parts)))


def patched(form: Form, patch: Mapping[str, Any]) -> Form:
    """The form after a merge patch (RFC 7396), without what belongs to a launcher that it leaves.

    Raises Refused `unknown_key`, `invalid`, `name_fixed`.
    """
    launcher = patch.get("launcher")
    if isinstance(launcher, str):
        patch = left_behind(form, launcher) | dict(patch)
    # JSON in and out: a patch has JSON's types, such as lists where the form has tuples
    merged = _merge(form.model_dump(mode="json"), dict(patch))
    after: Form = validated(merged, _FORM)
    if after.name != form.name:
        raise Refused("name_fixed", "A schedule keeps its name. Duplicate it under another one instead.", "name")
    return after


def spec_to_create(operations: Operations, root: Path, form: Form, bundle: str | None, *, once_only: bool) -> Spec:
    """The spec of a schedule made of the form; of files as they are now, unless a preview's `bundle` is named."""
    if once_only:
        timing = Timing(cron=_NOON, timezone=form.frequency.timezone)
        recurrence.check(timing)
    else:
        timing = timing_of(form.frequency)
    # before the files are bundled, which may take a while
    operations.schedules.check_name(form.name, source=form.notebook, continue_results=form.continue_results)
    request = request_of(form, timing, root)
    if form.tarball is not None:
        if bundle not in {None, form.tarball}:
            raise Refused("two_sources", "The bundle is another one than the form's tarball: name one.", "tarball")
        return spec_of_tarball(request, root, form.tarball)
    if bundle is None:
        return build_bundle(request, root, operations.objects, host=operations.host).spec
    return build_spec(request, root, operations.objects, bundle, operations.host)


def spec_to_edit(
    operations: Operations,
    root: Path,
    schedule: Schedule,
    patch: Mapping[str, Any],
    *,
    rebundle: bool,
    bundle: str | None = None,
) -> Spec:
    """The spec of the schedule after a patch of its form.

    rebundle: with its files as they are now; bundle: what was made of them, None to make it.

    Raises Refused `needs_rebundle` for what is part of the bundle unless `rebundle`, `nothing_to_schedule` when its
    tarball is taken back and nothing put in its place, and as `patched` and `timing_of`.
    """
    known = schedule.spec
    before = form_of(schedule, root)
    after = patched(before, patch)
    if before.tarball is not None and after.tarball is None and after.notebook is None:
        raise Refused("nothing_to_schedule", "Choose a notebook, or a tarball with a command.", "tarball")
    timing = known.timing if after.frequency == before.frequency else timing_of(after.frequency)
    if after.tarball is not None and (after.tarball != before.tarball or rebundle):
        if after.tarball == before.tarball:
            message = f"“{schedule.name}” was made from a tarball: give it the new one instead."
            raise Refused("no_notebook", message, "tarball")
        spec = spec_of_tarball(request_of(after, timing, root), root, after.tarball)
    elif rebundle and bundle is not None:
        spec = build_spec(request_of(after, timing, root), root, operations.objects, bundle, operations.host)
    elif rebundle:
        spec = build_bundle(request_of(after, timing, root), root, operations.objects, host=operations.host).spec
    else:
        spec = edit_spec(known, before, after)
        if after.parameters == before.parameters:
            return spec
        request = request_of(after, timing, root)
        given = check_parameters(spec, operations.objects, request.parameters, request.parameter_texts)
        _check_inputs(operations, root, spec, request_of(before, timing, root), request)
        return spec.model_copy(update={"parameters": given})
    # the publication stays where people know it
    return spec.model_copy(update={"publication_base": known.publication_base, "root": known.root})


def _check_inputs(
    operations: Operations, root: Path, spec: Spec, before: PackagingRequest, after: PackagingRequest
) -> None:
    """Of the files that other values name, each is in the bundle, or Refused `needs_rebundle`.

    A notebook that can't be looked at any more tells nothing, and refuses nothing.
    """
    if after.notebook is None:
        return
    try:
        before_, after_ = (operations.host.ask(list_inputs, request, root) for request in (before, after))
        named = after_ - before_
    except Refused:
        return
    bundled = read_record(operations.objects, spec.bundle).files if named else {}
    # the bundle's names begin in the folder that holds all of its files
    missing = [path for path in sorted(named) if not any(f"/{path}".endswith(f"/{name}") for name in bundled)]
    if missing:
        others = f" and {len(missing) - 1:,} more" if missing[1:] else ""
        message = (
            f"With these values the notebook uses {missing[0]}{others}, which the code tarball doesn't have: take the "
            "notebook and its files as they are now, then save."
        )
        raise Refused("needs_rebundle", message, "parameters")


def edit_spec(spec: Spec, before: Form, after: Form) -> Spec:
    """The spec with what differs between the forms, but for its parameters; the bundle stays.

    Raises Refused `needs_rebundle` for what is part of the bundle, and what `timing_of` raises.
    """
    for name, field in _BUNDLED.items():
        if getattr(before, name) != getattr(after, name):
            message = "That changes the code tarball: take the notebook and its files as they are now, then save."
            raise Refused("needs_rebundle", message, field)
    output_dir = spec.output_dir if after.output_dir is None else normalize_output_dir(after.output_dir)
    timing = spec.timing if after.frequency == before.frequency else timing_of(after.frequency)
    changes = {"timing": timing, "timeout": after.timeout_minutes, "output_dir": output_dir}
    return spec.model_copy(update=after.options | changes | {"expect": expectations.normalize(after.expect)})


def spec_of_tarball(request: PackagingRequest, root: Path, digest: str) -> Spec:
    """The spec of a schedule of a tarball that was uploaded.  Raises Refused `no_parameters`, `two_sources`."""
    if request.notebook is not None:
        raise Refused("two_sources", "Choose a notebook or a tarball, not both.", "tarball")
    if request.parameters or request.parameter_texts:
        raise Refused("no_parameters", "A tarball takes no parameters; put them into the command.", "parameters")
    output_dir = normalize_output_dir(request.output_dir or "output")
    return base_spec(request, root, digest).model_copy(update={"output_dir": output_dir})


@cache
def zone_choices() -> tuple[str, ...]:
    """The names of zones that can be picked, in order."""
    return tuple(sorted(available_timezones()))


@cache
def number_limits() -> dict[str, NumberLimits]:
    """The limits of each number of the form, by its name, with a dot where it is part of another value."""
    return dict(_limits(Form, ""))


def _limits(model: type[BaseModel], within: str) -> Iterator[tuple[str, NumberLimits]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _limits(field.annotation, f"{within}{name}.")
        least = next((part.ge for part in field.metadata if isinstance(part, Ge)), None)
        most = next((part.le for part in field.metadata if isinstance(part, Le)), None)
        if least is not None or most is not None:
            limits = NumberLimits.model_validate({"least": least, "most": most})
            yield within + name, limits


def _merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merge(merged.get(name), value)
    return merged


def _inside(path: str, root: Path) -> Path:
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or "\0" in path or not parts.parts:
        raise Refused("outside_root", "The notebook must be in the folder that Jupyter serves.", "notebook")
    return root / parts


def _source_root(spec: Spec, root: Path) -> Path:
    """The folder that the schedule was made in; of older ones, publications are below it."""
    if spec.root is not None:
        return Path(spec.root)
    address = urlsplit(spec.publication_base)
    return Path(unquote(address.path)).parent if address.scheme == "file" else root


def _relocated(path: str, source_root: Path, root: Path) -> str | None:
    if source_root == root:
        return path
    whole = source_root / path
    return whole.relative_to(root).as_posix() if whole.is_relative_to(root) else None
