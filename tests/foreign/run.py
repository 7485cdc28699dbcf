"""A notebook of an archive is scheduled and run: what was said before, and how it ended."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import NamedTuple

from jupyter_schedule.core.bundles.packaging import PackagingRequest, inspect_notebook, write_bundle
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.host import Host
from jupyter_schedule.core.models import Kernel
from jupyter_schedule.core.notebooks.used_files import FindingLevel
from tests.engine import DAILY

#: what says that a run will lack something; the others say what becomes of results, or that nobody can tell
ALARMS = frozenset({
    "missing", "outside", "absolute", "denied", "output", "folder", "folder_unknown", "too_many", "module_missing",
    "module", "variable", "input",
})  # fmt: skip
#: seconds that a run may take
LONGEST = 120


class Seen(NamedTuple):
    """What scheduling and running a notebook came to."""

    refused: str | None
    #: `ok`, or an exception's name
    end: str
    alarms: tuple[str, ...]
    message: str = ""


def schedule_and_run(content: Path, notebook: str, python: Path, folder: Path) -> Seen:
    """Bundle the notebook of an archive's content with that Python as its kernel, and run the bundle, in `folder`."""
    root = folder / "root"
    shutil.copytree(content, root, symlinks=True)
    argv = (str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}")
    kernel = Kernel(name="python3", display_name="Python 3", argv=argv)
    host = Host(lambda: {"python3": kernel})
    request = PackagingRequest(timing=DAILY, notebook=root / notebook, kernel="python3")
    try:
        seen, read = inspect_notebook(request, root, host)
        write_bundle(request, root, folder / "bundle.tar.gz", seen, read)
    except Refused as refused:
        return Seen(refused.message, "refused", ())
    alarms = tuple(
        finding.message
        for finding in seen.checked.findings
        if finding.code in ALARMS and finding.level is FindingLevel.WARNING
    )
    with tarfile.open(folder / "bundle.tar.gz") as tar:
        tar.extractall(folder / "run", filter="data")
    shutil.rmtree(root)
    end, message = _run(folder / "run", kernel, folder)
    return Seen(None, end, alarms, message)


def _run(bundle: Path, kernel: Kernel, folder: Path) -> tuple[str, str]:
    (folder / "spec").mkdir()
    (folder / "home").mkdir()
    spec = {"argv": list(kernel.argv), "display_name": kernel.display_name, "language": kernel.language}
    (folder / "spec" / "kernel.json").write_text(json.dumps(spec))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder / "home"),
        "RUNNER_PYTHON": sys.executable,
        "KERNEL_SPEC": str(folder / "spec"),
        "REPORT_DIR": str(folder / "report"),
    }
    done = subprocess.run(
        ["bash", "run.sh"],
        cwd=bundle,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=LONGEST,
        check=False,
    )
    if done.returncode == 0:
        return "ok", ""
    failure = json.loads((folder / "report" / "failure.json").read_text())
    return failure["name"], failure["sentence"]
