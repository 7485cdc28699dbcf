"""A bundle that is kept already, and what it says about itself: nothing needs the files that it was made from."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from jupyter_schedule.core.bundles.kernel_variables import keep_variables
from jupyter_schedule.core.bundles.packaging import PackagingRequest, base_spec, normalize_output_dir
from jupyter_schedule.core.bundles.record import (
    BundleRecord,
    describe_archive,
    keep_bundle,
    open_bundle,
    read_record,
)
from jupyter_schedule.core.bundles.tarstream import read_members
from jupyter_schedule.core.bundles.wrapper.render import wrapper_command
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.host import DISK, Host
from jupyter_schedule.core.models import Spec
from jupyter_schedule.core.notebooks.notebook import SIZE_LIMIT
from jupyter_schedule.core.notebooks.parameters import coerce_parameters
from jupyter_schedule.core.notebooks.text_notebooks import name_as_notebook
from jupyter_schedule.core.storage.factory import ObjectStorage


def receive_bundle(objects: ObjectStorage, packed: Path, digest: str | None, host: Host = DISK) -> tuple[str, int]:
    """Keep a tarball that came over the wire, which is consumed; answer its digest and how many entries it has.

    digest: the name that its sender gave it; None where the sender doesn't know one.
    Raises Refused `wrong_digest` when it isn't what its name says, and what `archive` raises.
    """
    record, entries = host.ask(_describe, packed)
    if digest not in {None, record.bundle}:
        message = "The tarball isn't what its name says: it changed on the way or was named wrongly. Send it anew."
        raise Refused("wrong_digest", message, "bundle")
    keep_bundle(objects, packed, record)
    return record.bundle, entries


def _describe(packed: Path) -> tuple[BundleRecord, int]:
    record, members = describe_archive(packed)
    return record, len(members)


def build_spec(request: PackagingRequest, root: Path, objects: ObjectStorage, digest: str, host: Host = DISK) -> Spec:
    """The spec to record for a request whose bundle is kept: no file on disk is looked at, no tarball is fetched.

    Raises Refused `no_such_bundle`, `not_its_bundle` when the bundle is of another notebook, and what parameters raise.
    """
    spec = base_spec(request, root, digest)
    record = read_record(objects, digest)
    bundled = record.notebook
    if request.notebook is None:
        if bundled is not None:
            raise _not_its_bundle()
        return spec.model_copy(update={"output_dir": normalize_output_dir(request.output_dir or "output")})
    if bundled is None or not f"/{name_as_notebook(spec.source or '')}".endswith(f"/{bundled.notebook}"):
        raise _not_its_bundle()
    made = {
        "notebook": bundled.notebook,
        "output_dir": normalize_output_dir(request.output_dir or bundled.output_dir),
        "kernel": keep_variables(objects, digest, host.find_kernel(bundled.kernel)),
        "command": wrapper_command(request.command, record.files),
    }
    spec = spec.model_copy(update=made)
    given = check_parameters(spec, objects, request.parameters, request.parameter_texts)
    return spec.model_copy(update={"parameters": given})


def check_parameters(
    spec: Spec, objects: ObjectStorage, given: Mapping[str, Any], texts: Mapping[str, str]
) -> dict[str, Any]:
    """A run's parameters, checked against the notebook in the spec's bundle; as `coerce_parameters`."""
    if spec.notebook is None:
        if given or texts:
            raise Refused("no_parameters", "A tarball takes no parameters; put them into the command.", "parameters")
        return {}
    bundled = read_record(objects, spec.bundle).notebook
    if bundled is None or bundled.notebook != spec.notebook or bundled.parameters is None:
        raise _not_its_bundle()
    return coerce_parameters(bundled.parameters, given, texts)


def read_files(objects: ObjectStorage, digest: str, paths: Collection[str]) -> dict[str, bytes]:
    """Those of the files `paths` that the bundle has.  Raises Refused `no_such_bundle`, and what `archive` raises."""
    found: dict[str, bytes] = {}
    with open_bundle(objects, digest) as stream:
        for member, blocks in read_members(stream):
            if member.path in paths and member.size <= SIZE_LIMIT:
                found[member.path] = b"".join(blocks)
                if len(found) == len(paths):
                    break
    return found


def _not_its_bundle() -> Refused:
    return Refused("not_its_bundle", "That bundle was made from something else. Make it again.", "files")
