"""A bundle that is kept already, and what it says about itself: nothing needs the files that it was made from."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_schedule.core.bundles.packaging import PackagingRequest, base_spec, normalize_output_dir
from jupyter_schedule.core.bundles.tarstream import ArchiveLimits, ArchiveStream, MemberKind, open_archive, read_members
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Spec
from jupyter_schedule.core.notebooks.kernels import find_kernel
from jupyter_schedule.core.notebooks.notebook import SIZE_LIMIT, Notebook
from jupyter_schedule.core.notebooks.parameters import coerce_parameters, find_parameters
from jupyter_schedule.core.object_keys import bundle_key
from jupyter_schedule.core.storage.factory import NoSuchObject, ObjectStorage

#: what `preview` notes in every bundle that it makes
MANIFEST = "schedule.json"


def build_spec(request: PackagingRequest, root: Path, objects: ObjectStorage, digest: str) -> Spec:
    """What would be recorded of a request whose bundle is kept; its files on disk aren't looked at.

    Raises Refused `no_such_bundle`, `not_its_bundle` when the bundle is of another notebook, and what parameters raise.
    """
    spec = base_spec(request, root, digest)
    if request.notebook is None:
        found = read_files(objects, digest, {MANIFEST})
        if found:
            raise _not_its_bundle()
        return spec.model_copy(update={"output_dir": normalize_output_dir(request.output_dir or "output")})
    about = _object(read_files(objects, digest, {MANIFEST}).get(MANIFEST, b""))
    within = str(about.get("notebook"))
    if not f"/{spec.source}".endswith(f"/{within}"):
        raise _not_its_bundle()
    made = {
        "notebook": within,
        "output_dir": normalize_output_dir(request.output_dir or str(about.get("output_dir"))),
        "kernel": find_kernel(str(about.get("kernel"))),
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
    content: Notebook = _object(read_files(objects, spec.bundle, {spec.notebook}).get(spec.notebook, b""))
    if not isinstance(content.get("cells"), list):
        raise _not_its_bundle()
    return coerce_parameters(find_parameters(content), given, texts)


def read_files(objects: ObjectStorage, digest: str, paths: Collection[str]) -> dict[str, bytes]:
    """Those of the files `paths` that the bundle has.  Raises Refused `no_such_bundle`, and what `archive` raises."""
    found: dict[str, bytes] = {}
    for path, data in _files(objects, digest, lambda path: path in paths):
        found[path] = data
        if len(found) == len(paths):
            break
    return found


def file_digests(objects: ObjectStorage, digest: str) -> dict[str, str]:
    """The sha256 of each file that the bundle has, by its path.  Raises as `contents`."""
    found: dict[str, str] = {}
    with _opened(objects, digest) as source:
        for member, blocks in read_members(source):
            if member.kind is MemberKind.FILE:
                sum_of_file = hashlib.sha256()
                for block in blocks:
                    sum_of_file.update(block)
                found[member.path] = sum_of_file.hexdigest()
    return found


def read_code(objects: ObjectStorage, digest: str) -> Iterator[tuple[str, bytes]]:
    """The notebooks and Python files of the bundle.  Raises as `contents`."""
    return _files(objects, digest, lambda path: path.endswith((".ipynb", ".py")))


def _files(objects: ObjectStorage, digest: str, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with _opened(objects, digest) as source:
        for member, blocks in read_members(source):
            if wanted(member.path) and member.size <= SIZE_LIMIT:
                yield member.path, b"".join(blocks)


@contextmanager
def _opened(objects: ObjectStorage, digest: str) -> Iterator[ArchiveStream]:
    with tempfile.TemporaryDirectory(prefix="jupyter-schedule-") as scratch:
        packed = Path(scratch) / "bundle.tar.gz"
        try:
            objects.fetch(bundle_key(digest), packed)
        except NoSuchObject:
            raise no_such_bundle() from None
        with open_archive(packed, ArchiveLimits()) as source:
            yield source


def no_such_bundle() -> Refused:
    """The refusal that says how code that isn't in the work area gets there."""
    message = (
        "The bundle isn't there any more. Make it again: take the notebook as it is now "
        "(jupyter schedule edit NAME --rebundle). Where the work area was moved, an operator brings it: "
        "python -m scheduler_service migrate-storage."
    )
    return Refused("no_such_bundle", message, "files")


def _object(data: bytes) -> dict[str, Any]:
    """The JSON object in `data`, empty when it holds none: anybody may have made the bundle."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _not_its_bundle() -> Refused:
    return Refused("not_its_bundle", "That bundle was made from something else. Make it again.", "files")
