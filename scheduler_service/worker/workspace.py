"""Make what a run finds at its start: its code, an empty output folder, its kernel, its publication's earlier files."""

import fnmatch
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_schedule.core.bundles import archive
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.object_keys import bundle_key
from jupyter_schedule.core.storage.factory import NoSuchObject, ObjectStorage, open_storage
from scheduler_service.worker.files import remove_folder
from scheduler_service.worker.processes import MARKER
from scheduler_service.worker.task import PreviousFiles, WorkerTask

#: in the scratch folder: says where the run's control group is
CGROUP = "cgroup"


#: names the variables that are the agent's alone, with commas between them
AGENT_ONLY = "JUPYTER_SCHEDULE_AGENT_ONLY"
#: variables for the analyst's code and for no program of ours, by the names under which the agent has them; a
#: notebook's wrapper gives them to the kernel
FOR_CODE_ALONE = {"KERNEL_PYTHONPATH": "PYTHONPATH"}


class Folders:
    """The places of things in the scratch folder of an attempt."""

    def __init__(self, task: WorkerTask) -> None:
        self.root = Path(task.work_folder).resolve() / task.token
        self.code = self.root / "code"
        self.report = self.root / "report"
        self.previous = self.root / "previous"
        self.kernel = self.root / "kernel"
        self.environments = self.root / "environments"
        self.packing = self.root / "packing"
        self.cgroup = self.root / CGROUP

    def make(self) -> None:
        """An empty scratch folder that only this user can read."""
        remove_folder(self.root)
        self.root.mkdir(parents=True, mode=0o700)
        for folder in (self.report, self.previous, self.kernel, self.environments):
            folder.mkdir()


def check_kernel(task: WorkerTask) -> None:
    """Refused("environment_gone") when the frozen kernel's program isn't there any more.

    Of one that a provisioner starts, which may be on another machine, it is the Python that has the provisioner.
    """
    if task.kernel is None:
        return
    program = str(task.kernel.get("provisioned_by") or task.kernel["argv"][0])
    if shutil.which(program) is None:
        what = "Python" if task.kernel.get("language") == "python" else "program"
        shown = program if len(program) <= 40 else f"…{program[-39:]}"
        raise Refused(
            "environment_gone",
            f"The kernel's {what} {shown} is gone; schedule the notebook again from an environment that has it.",
        )


def unpack_bundle(task: WorkerTask, objects: ObjectStorage, folders: Folders) -> None:
    """The bundle's files in `folders.code`.  Refused("bundle_unusable" or "disk_full") when that can't be."""
    packed = folders.root / "bundle.tar.gz"
    try:
        objects.fetch(bundle_key(task.bundle), packed)
        archive.unpack(packed, folders.code, expected_digest=task.bundle)
    except NoSuchObject:
        sentence = (
            "The bundle isn't in the work area any more: save the schedule with the code as it is now "
            "(jupyter schedule edit NAME --rebundle), or have an operator bring it "
            "(python -m scheduler_service migrate-storage)."
        )
        raise Refused("bundle_unusable", sentence) from None
    except Refused as refused:
        code = refused.code if refused.code == "disk_full" else "bundle_unusable"
        raise Refused(code, refused.message) from None
    packed.unlink()


def write_parameters(task: WorkerTask, folders: Folders) -> None:
    """The parameters as the schedule has them today: an edit of them alone keeps the bundle.

    A `params.json` at the root is the wrapper's only in a bundle of before that had it in its own folder.
    """
    if task.parameters is None:
        return
    path = folders.code / ".wrapper" / "params.json"
    if not path.is_file():
        path = folders.code / "params.json"
    if path.is_symlink():
        path.unlink()
    path.write_text(json.dumps(task.parameters), encoding="utf-8")


def make_output_folder(task: WorkerTask, code: Path) -> Path:
    """The absolute output folder, new and empty: what a bundle has in its place is removed.

    Refused("bundle_unusable") when it isn't a folder of its own inside the bundle.
    """
    root = code.resolve()
    notebook = root / (task.notebook or "run.sh")
    output = Path(os.path.normpath((notebook.parent if task.notebook else root) / task.output_dir))
    inside = output.parent.resolve() / output.name
    if not inside.is_relative_to(root) or notebook.is_relative_to(inside):
        shown = task.output_dir[:40]
        sentence = f"The output folder {shown} must be a folder of its own in the bundle, such as output."
        raise Refused("bundle_unusable", sentence)
    if inside.is_symlink() or inside.is_file():
        inside.unlink()
    remove_folder(inside)
    inside.mkdir(parents=True)
    return inside


def fetch_previous(task: WorkerTask, folders: Folders) -> None:
    """Files of its own publication that it asked for; what goes away meanwhile isn't had."""
    if task.previous is None:
        return
    publication = open_storage(task.previous.objects)
    prefix = task.previous.prefix

    def fetch(path: str) -> None:
        destination = folders.previous / path
        destination.parent.mkdir(parents=True, exist_ok=True)
        with suppress(NoSuchObject):
            publication.fetch(prefix + path, destination)

    # a machine of its own may not list, and is told
    paths = task.previous.paths
    publication.for_each(select_previous(publication, task.previous) if paths is None else paths, fetch)


def select_previous(publication: ObjectStorage, previous: PreviousFiles) -> list[str]:
    """The paths under `previous.prefix` that match one of its globs."""
    prefix = previous.prefix
    paths = [stored.key.removeprefix(prefix) for stored in publication.list(prefix)]
    return [path for path in paths if any(fnmatch.fnmatchcase(path, glob) for glob in previous.globs)]


#: what a frozen kernel has besides its kernelspec
_OURS = {"name", "env_names", "env_object", "provisioned_by"}


def read_kernel_variables(kernel: Mapping[str, Any] | None, objects: ObjectStorage) -> dict[str, str]:
    """The variables of the kernelspec, kept beside the bundle.  Refused("environment_gone") where they aren't."""
    kernel = kernel or {}
    key = kernel.get("env_object")
    if not key and not kernel.get("env_names"):
        return {}
    try:
        found = json.loads(objects.get(key)) if key else None
    except NoSuchObject:
        found = None
    if found is None:
        raise Refused(
            "environment_gone", "The kernel's variables aren't in the work area any more: schedule the notebook again."
        )
    return {str(name): str(value) for name, value in found.items()}


def build_environment(
    task: WorkerTask, folders: Folders, output: Path, kernel_variables: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The variables of the run; writes the kernel's spec, with its own, where KERNEL_SPEC points."""
    ours = {
        "OUTPUT_DIR": str(output),
        "REPORT_DIR": str(folders.report),
        "PREVIOUS_DIR": str(folders.previous),
        MARKER: task.marker,
    }
    if task.kernel is not None:
        spec = {key: task.kernel[key] for key in task.kernel if key not in _OURS}
        spec["env"] = {**spec.get("env", {}), **(kernel_variables or {})}
        (folders.kernel / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
        ours["KERNEL_SPEC"] = str(folders.kernel)
    kept_from_it = {AGENT_ONLY, *os.environ.get(AGENT_ONLY, "").split(",")}
    inherited = {name: value for name, value in os.environ.items() if name not in kept_from_it}
    if task.notebook is None:
        inherited = {FOR_CODE_ALONE.get(name, name): value for name, value in inherited.items()}
    return {**inherited, **task.environment, **ours}
