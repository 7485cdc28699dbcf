"""A request becomes a bundle and a spec, with all that can be known before a run said beforehand.

The bundle is kept in the work area; recording a schedule with the spec is `operations.schedules.create`'s.
"""

import json
import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import Field

from jupyter_schedule.core import expectations
from jupyter_schedule.core.bundles.build import BundleManifest, write_archive
from jupyter_schedule.core.bundles.kernel_variables import keep_variables
from jupyter_schedule.core.bundles.record import BundleRecord, CodeScanner, describe_archive, keep_bundle
from jupyter_schedule.core.bundles.wrapper.render import (
    PARAMETERS_FILE,
    REQUIREMENTS_FILE,
    RESERVED,
    RUN_SCRIPT,
    SCHEDULE_FILE,
    WrapperConfig,
    render_wrapper,
    wrapper_command,
)
from jupyter_schedule.core.config import PUBLISHED
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.file_selection import FileSelection, bundle_root, expand_patterns
from jupyter_schedule.core.host import DISK, Host
from jupyter_schedule.core.models import EnvironmentSource, FileEntry, Kernel, Model, ScheduleOptions, Spec, Timing
from jupyter_schedule.core.notebooks import preflight, requirements
from jupyter_schedule.core.notebooks.declared import SYSTEM_PACKAGES, find_system_packages
from jupyter_schedule.core.notebooks.kernels import is_python
from jupyter_schedule.core.notebooks.notebook import ParsedNotebook, check_runnable, kernel_name, load_notebook
from jupyter_schedule.core.notebooks.own_code import OwnCode, follow_notebook
from jupyter_schedule.core.notebooks.parameters import (
    can_be_given,
    check_language,
    coerce_parameters,
    find_parameters,
    find_product_parameters,
    find_text_notes,
)
from jupyter_schedule.core.notebooks.preflight import Preflight
from jupyter_schedule.core.notebooks.text_notebooks import name_as_notebook
from jupyter_schedule.core.notebooks.used_files import FindingLevel
from jupyter_schedule.core.storage.factory import FolderAddress, ObjectStorage, file_digest
from jupyter_schedule.core.timing import recurrence


class PackagingRequest(ScheduleOptions):
    """A person's wish to schedule: a notebook, or a tarball with a command."""

    timing: Timing
    #: absolute paths
    notebook: Path | None = None
    tarball: Path | None = None
    #: names and patterns relative to the root, beside what the notebook is seen to use
    files: tuple[str, ...] = ()
    #: files relative to the root that the notebook is seen to use and that stay out all the same
    left_out: tuple[str, ...] = ()
    #: typed, and as texts of a command line
    parameters: dict[str, Any] = Field(default_factory=dict)
    parameter_texts: dict[str, str] = Field(default_factory=dict)
    #: None is the folder that the notebook is seen to write to, else `output`
    output_dir: str | None = None
    timeout: int = Field(default=120, ge=1, le=1440)
    #: name of another kernel than the notebook's
    kernel: str | None = None


class BuiltBundle(Model):
    """A bundle that was made: the spec to record, and what there is to say about it before that."""

    spec: Spec
    #: files of the bundle that are the analyst's
    files: tuple[FileEntry, ...]
    #: bytes of the .tar.gz
    size: int
    #: sentences: what may go wrong, and what was left out
    warnings: tuple[str, ...] = ()
    #: what is kept beside the bundle
    record: BundleRecord


@dataclass(frozen=True)
class NotebookInspection:
    """A request's notebook and its needs, as far as they are seen without running it."""

    path: Path
    #: the folder that it is below: the one that Jupyter serves, or where it was brought to from elsewhere
    root: Path
    kernel: Kernel
    #: None where the kernel isn't Python's, or doesn't tell, so that its packages can't be listed
    needs: requirements.Requirements | None
    #: about them
    notes: tuple[str, ...]
    #: what the person's names and patterns stand for
    chosen: FileSelection
    checked: Preflight
    #: what goes into the bundle, relative to the root
    wanted: frozenset[str]


def inspect_notebook(
    request: PackagingRequest, root: Path, host: Host = DISK, brought: Path | None = None
) -> tuple[NotebookInspection, ParsedNotebook]:
    """Look at the request's notebook, under `root`, or below the folder that it was brought to.

    Raises Refused, field `notebook`, `kernel`, `files`, …
    """
    if request.notebook is None:
        raise _nothing_to_schedule()
    within = _relative_to_root(request.notebook, root)
    served = brought or root
    path = served / within
    if brought is not None:
        request = request.model_copy(update={"notebook": path})
    notebook = load_notebook(path)
    check_runnable(path.name, notebook)
    kernel = host.find_kernel(request.kernel or kernel_name(notebook.content))
    chosen = expand_patterns(served, request.files) if request.files else FileSelection([], [])
    code = follow_notebook(notebook, path, served, given=_given_values(request, notebook), named=chosen.files)
    needs, notes = _find_requirements(request, notebook, served, kernel, code)
    checked = preflight.preflight(
        notebook,
        path,
        served,
        kernel,
        chosen.files,
        output_dir=request.output_dir,
        modules_missing=needs.missing if needs else (),
        code=code,
        variables=request.env,
        beside=_find_beside(request, needs, path.parent, served),
    )
    seen = set(checked.included) - set(request.left_out)
    wanted = frozenset({within, *seen, *chosen.files})
    return NotebookInspection(path, served, kernel, needs, notes, chosen, checked, wanted), notebook


def list_inputs(request: PackagingRequest, root: Path) -> frozenset[str]:
    """The files that the request's notebook uses with the values that it is given, relative to `root`.

    Raises Refused when the notebook can't be read.
    """
    assert request.notebook is not None
    notebook = load_notebook(request.notebook)
    named = expand_patterns(root, request.files).files if request.files else []
    code = follow_notebook(notebook, request.notebook, root, given=_given_values(request, notebook), named=named)
    checked = preflight.preflight(notebook, request.notebook, root, None, named, code=code)
    return frozenset(checked.included) - frozenset(request.left_out)


class Preparation:
    """A request whose notebook was looked at, and whose bundle can be made of the very bytes that were seen."""

    def __init__(self, seen: NotebookInspection, packed: Path, build: Callable[[], BuiltBundle]) -> None:
        self.seen = seen
        self._packed = packed
        self._build = build

    def keep(self, objects: ObjectStorage) -> BuiltBundle:
        """Make the bundle and keep it, once.  Raises Refused."""
        return _keep(objects, self._packed, self._build())


@contextmanager
def prepare_bundle(request: PackagingRequest, root: Path, host: Host = DISK) -> Iterator[Preparation]:
    """Look at the request's notebook, where the host has files looked at.  Raises Refused as `inspect_notebook`."""
    recurrence.check(request.timing)
    if request.notebook is None:
        raise _nothing_to_schedule()
    brought = host.bring_notebook(request.notebook, _relative_to_root(request.notebook, root))
    with tempfile.TemporaryDirectory(prefix="jupyter-schedule-") as scratch:
        packed = Path(scratch) / "bundle.tar.gz"
        with closing(host.apart(_look_and_write, request, root, packed, host.portable(), brought)) as answers:  # type: ignore[type-var]
            try:
                seen = next(answers)
            except BaseException:
                if brought is not None:
                    shutil.rmtree(brought, ignore_errors=True)
                raise
            if brought is not None:
                weakref.finalize(seen, shutil.rmtree, brought, ignore_errors=True)
            yield Preparation(seen, packed, lambda: next(answers))


def _look_and_write(
    request: PackagingRequest, root: Path, packed: Path, host: Host, brought: Path | None
) -> Iterator[Any]:
    """The inspection, and then the bundle."""
    seen, notebook = inspect_notebook(request, root, host, brought)
    yield seen
    yield write_bundle(request, root, packed, seen, notebook)


def build_bundle(request: PackagingRequest, root: Path, objects: ObjectStorage, *, host: Host = DISK) -> BuiltBundle:
    """Bundle what the request names, under `root`, and check it against what the notebook uses.

    Raises Refused for whatever can't be scheduled; nothing is recorded, the bundle stays in `objects`.
    """
    if request.notebook is not None:
        with prepare_bundle(request, root, host) as prepared:
            return prepared.keep(objects)
    recurrence.check(request.timing)
    if request.tarball is None:
        raise _nothing_to_schedule()
    with tempfile.TemporaryDirectory(prefix="jupyter-schedule-") as scratch:
        packed = Path(scratch) / "bundle.tar.gz"
        return _keep(objects, packed, _import_tarball(request, root, packed))


def _keep(objects: ObjectStorage, packed: Path, made: BuiltBundle) -> BuiltBundle:
    keep_bundle(objects, packed, made.record)
    if made.spec.kernel is None:
        return made
    kept = keep_variables(objects, made.spec.bundle, made.spec.kernel)
    return made.model_copy(update={"spec": made.spec.model_copy(update={"kernel": kept})})


def write_bundle(
    request: PackagingRequest, root: Path, destination: Path, seen: NotebookInspection, notebook: ParsedNotebook
) -> BuiltBundle:
    """The bundle of the request's notebook as a file, and what would be recorded."""
    needs, kernel, served = seen.needs, seen.kernel, seen.root
    output_dir = normalize_output_dir(seen.checked.output_dir)
    # a folder that the code works in is inside the bundle, so that `..` leads nowhere else in a run
    base = bundle_root(
        [served / name for name in [*seen.wanted, *(f"{place}/x" for place in seen.checked.worked_in)]], served
    )
    inside = sorted((served / name).relative_to(base).as_posix() for name in seen.wanted)
    within = seen.path.relative_to(base).as_posix()
    if notebook.remade:
        # what is run is the notebook that it becomes; a text goes along as it is
        within = name_as_notebook(within)
        inside = [name for name in inside if name != within]
    given = coerce_parameters(seen.checked.parameters, request.parameters, request.parameter_texts)
    check_language(kernel.name, kernel.language, given)
    can_be_filled = can_be_given(kernel.name, kernel.language)
    filled = find_product_parameters(seen.checked.parameters) if can_be_filled else ()
    config = WrapperConfig(
        notebook=within,
        kernel_name=kernel.name,
        output_dir=output_dir,
        makes_output=seen.checked.makes_output,
        timezone=request.timing.timezone,
        product_parameters=filled,
        python_version=needs.python_version if needs else None,
    )
    generated: dict[str, bytes | tuple[bytes, int]] = {**render_wrapper(config), PARAMETERS_FILE: _to_json(given)}
    if needs:
        place = (base / REQUIREMENTS_FILE).parent.relative_to(served).as_posix()
        generated[REQUIREMENTS_FILE] = needs.text(place, seen.wanted).encode()
    system = find_system_packages(seen.path.parent, served)
    if system and system in seen.wanted and SYSTEM_PACKAGES not in inside:
        # it is read at the bundle's root, wherever the nearest one is
        generated[SYSTEM_PACKAGES] = (served / system).read_bytes()
    generated[SCHEDULE_FILE] = _to_json({"notebook": within, "kernel": kernel.name, "output_dir": output_dir})
    listed = list(inside)
    _refuse_reserved(listed)
    if RUN_SCRIPT in listed:
        # the analyst's own; ours is called by its full name
        del generated[RUN_SCRIPT]
    packed = generated
    if notebook.remade:
        packed = {**generated, within: notebook.raw}
    elif within not in generated and os.path.realpath(seen.path) == f"{os.path.realpath(base)}/{within}":
        # the very bytes that were looked at; a link goes along as a link
        packed = {**generated, within: (notebook.raw, 0o755 if notebook.executable else 0o644)}
        listed.remove(within)
    scanner = CodeScanner((within, notebook))
    manifest = write_archive(destination, base, listed, packed, scanner=scanner, served=served)
    record = scanner.finish(manifest.digest, {file.path: file.sha256 for file in manifest.files})
    spec = base_spec(request, root, manifest.digest).model_copy(
        update={
            "notebook": within,
            "parameters": given,
            "output_dir": output_dir,
            "kernel": kernel,
            "command": wrapper_command(request.command, record.files),
        }
    )
    warnings = (
        *(finding.message for finding in seen.checked.findings if finding.level is not FindingLevel.OK),
        *(f"{left.path} is left out: {left.why}." for left in seen.chosen.left_out),
        *seen.notes,
        *find_text_notes(seen.checked.parameters, request.parameter_texts),
    )
    own = _own_files(manifest, generated)
    return BuiltBundle(spec=spec, files=own, size=manifest.size, warnings=warnings, record=record)


def _import_tarball(request: PackagingRequest, root: Path, destination: Path) -> BuiltBundle:
    """The analyst's own tarball: kept as it is, if it can be unpacked safely."""
    assert request.tarball is not None
    if request.parameters or request.parameter_texts:
        message = "A tarball takes no parameters; put them into the command."
        raise Refused("no_parameters", message, field="parameters")
    try:
        shutil.copyfile(request.tarball, destination)
    except OSError as problem:
        message = f"{request.tarball.name} can't be read: {problem.strerror}."
        raise Refused("tarball_unreadable", message, field="tarball") from None
    record, members = describe_archive(destination)
    output_dir = normalize_output_dir(request.output_dir or "output")
    spec = base_spec(request, root, record.bundle).model_copy(update={"output_dir": output_dir})
    packed = FileEntry(path=request.tarball.name, size=destination.stat().st_size, sha256=file_digest(destination))
    names = {member.path for member in members}
    first = re.match(r"\./[\w./-]+", request.command)
    missing = first and PurePosixPath(first[0]).as_posix() not in names
    warnings = (f"{first[0]} is not in the tarball.",) if first and missing else ()
    return BuiltBundle(spec=spec, files=(packed,), size=packed.size, warnings=warnings, record=record)


def _nothing_to_schedule() -> Refused:
    return Refused("nothing_to_schedule", "Choose a notebook, or a tarball with a command.", field="notebook")


def _refuse_reserved(names: Sequence[str]) -> None:
    taken = next((name for name in names if name.split("/")[0] in RESERVED), None)
    if taken is not None:
        message = f"{taken} has the name of a file that every bundle gets. Rename it, or leave it out."
        raise Refused("reserved_name", message, field="files")


def _find_beside(
    request: PackagingRequest, needs: requirements.Requirements | None, folder: Path, root: Path
) -> dict[str, str]:
    """The files that the run's environment is made of, relative to the root, each with why it goes along."""
    fresh = needs is not None and request.environment == EnvironmentSource.FRESH
    found = {needs.file: "it says which packages the run gets"} if needs and needs.file and fresh else {}
    found |= dict.fromkeys(needs.files if needs and fresh else (), "the environment is made with it")
    system = find_system_packages(folder, root)
    return found | ({system: "its Debian packages are installed"} if system else {})


def _given_values(request: PackagingRequest, notebook: ParsedNotebook) -> dict[str, Any]:
    """The values that the run has of the notebook's parameters; none where they are refused, as is said elsewhere."""
    try:
        return coerce_parameters(find_parameters(notebook), request.parameters, request.parameter_texts)
    except Refused:
        return {}


def _find_requirements(
    request: PackagingRequest, notebook: ParsedNotebook, root: Path, kernel: Kernel, code: OwnCode
) -> tuple[requirements.Requirements | None, tuple[str, ...]]:
    """The pinned packages for a Python notebook, and notes.

    A run in the kernel's own environment needs none of that: what can't be found out is a note there.
    """
    assert request.notebook is not None
    own = request.environment == EnvironmentSource.KERNEL
    if own and not is_python(kernel):
        return None, ()
    try:
        found = requirements.find_requirements(notebook, request.notebook, root, kernel, code=code)
    except Refused as refused:
        if not own:
            raise
        note = f"{refused.message} The run uses the kernel's own environment, which has what it has in JupyterLab."
        return None, (note,)
    if found.withheld and not own:
        raise Refused("credentials_in_requirements", found.withheld[0], field="environment")
    return found, found.notes


def base_spec(request: PackagingRequest, root: Path, digest: str) -> Spec:
    """The spec that the request gives, without what its notebook adds: notebook, parameters, output_dir, kernel."""
    return Spec(
        **request.options | {"expect": expectations.normalize(request.expect)},
        timing=request.timing,
        bundle=digest,
        source=_relative_to_root(request.notebook, root) if request.notebook else None,
        files=request.files,
        left_out=request.left_out,
        timeout=request.timeout,
        # where it goes in the end is said when it is recorded
        publication_base=FolderAddress(root).url(PUBLISHED),
        root=str(root),
    )


def normalize_output_dir(name: str) -> str:
    """A folder beside the notebook, as a normal relative path."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or path == PurePosixPath() or "\0" in name:
        raise Refused("bad_output_dir", "Must be a folder beside the notebook, such as output.", field="output_dir")
    return path.as_posix()


def _relative_to_root(path: Path, root: Path) -> str:
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        message = f"{path.name} is outside {root}: start from a folder that holds it."
        raise Refused("outside_root", message, field="files") from None


def _own_files(manifest: BundleManifest, generated: Mapping[str, object]) -> tuple[FileEntry, ...]:
    return tuple(file for file in manifest.files if file.path not in generated)


def _to_json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
