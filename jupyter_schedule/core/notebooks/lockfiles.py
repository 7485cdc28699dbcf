"""Packages that other tools have locked or listed: uv.lock, pylock.toml (PEP 751), conda's environment.yml."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import uv
import yaml

from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.notebooks.declared import (
    CONDA_NAMES,
    Declared,
    Reader,
    read_text,
    take_line,
    take_requirement,
)

#: seconds for uv to say what is in its lock file, for which it asks nobody
EXPORT_TIMEOUT = 20.0
_CONDA = re.compile(
    r"(?:[\w./-]+::)?(?P<name>[A-Za-z0-9_][\w.-]*)(?:\[[^\]]*\])?\s*(?P<version>[<>=!~,|*.\w+\s-]*?)(?:=(?P<build>[\w*]+))?$"
)
_EXACT = re.compile(r"=\s*([\w.+!]+)")
#: what tools ask where nothing else is said; a machine's own settings may put another in its place
_DEFAULT_INDEX = re.compile(r"https://pypi\.[a-z]+/simple")


def read_pylock(path: Path, root: Path, notes: list[str]) -> Declared | None:
    """The packages of a lock file as PEP 751 has it."""
    try:
        packages = tomllib.loads(read_text(path)).get("packages")
    except (Refused, ValueError, RecursionError):
        notes.append(f"{path.name} can't be read, so it is passed over.")
        return None
    if not isinstance(packages, list):
        return None
    declared = Declared(path.name, path)
    indexes: set[str] = set()
    for package in packages:
        if isinstance(package, dict) and isinstance(package.get("name"), str):
            take_requirement(_locked(package), path.parent, root, declared)
            if isinstance(package.get("index"), str):
                indexes.add(package["index"].rstrip("/"))
    for index in sorted(index for index in indexes if not _DEFAULT_INDEX.fullmatch(index)):
        take_line(f"--extra-index-url {index}", path.parent, root, declared)
    return declared


def _locked(package: dict[str, Any]) -> str:
    """A locked package as a requirement."""
    name = package["name"]
    marker = f" ; {package['marker']}" if isinstance(package.get("marker"), str) else ""
    vcs, archive, folder = (package.get(kind) or {} for kind in ("vcs", "archive", "directory"))
    inner = next((f"#subdirectory={each['subdirectory']}" for each in (vcs, archive) if each.get("subdirectory")), "")
    if vcs.get("url"):
        commit = vcs.get("commit-id") or vcs.get("requested-revision") or ""
        address = f"{vcs.get('type', 'git')}+{vcs['url']}{f'@{commit}' if commit else ''}{inner}"
    elif archive.get("url"):
        address = f"{archive['url']}{inner}"
    elif archive.get("path") or folder.get("path"):
        address = f"file:{archive.get('path') or folder.get('path')}"
    else:
        return f"{name}=={package['version']}{marker}" if package.get("version") else f"{name}{marker}"
    return f"{name} @ {address}{marker}"


def read_uv_lock(path: Path, root: Path, notes: list[str]) -> Declared | None:
    """The packages of a uv.lock without those for development, as uv itself says; it asks no index."""
    command = [uv.find_uv_bin(), "export", "--quiet", "--frozen", "--offline", "--no-config", "--no-hashes", "--no-dev"]
    command += ["--no-emit-workspace", "--no-header", "--no-annotate", "--format", "requirements-txt"]
    try:
        done = subprocess.run(
            [*command, "--directory", path.parent],
            capture_output=True,
            text=True,
            timeout=EXPORT_TIMEOUT,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        notes.append("uv.lock can't be read, so it is passed over.")
        return None
    declared = Declared(path.name, path)
    for line in done.stdout.splitlines():
        if line.strip() and not line.startswith("#"):
            take_line(line.strip(), path.parent, root, declared)
    return declared


def read_conda_environment(path: Path, root: Path, notes: list[str]) -> Declared | None:
    """The packages of conda's environment.yml, by the names that they have for pip."""
    try:
        content = yaml.safe_load(read_text(path))
    except (Refused, yaml.YAMLError, ValueError, RecursionError):
        notes.append(f"{path.name} can't be read, so it is passed over.")
        return None
    dependencies = content.get("dependencies") if isinstance(content, dict) else None
    if not isinstance(dependencies, list):
        return None
    declared = Declared(path.name, path, lenient=True)
    for each in dependencies:
        if isinstance(each, str):
            _take_conda(each, declared, path.parent, root)
        elif isinstance(each, dict) and isinstance(each.get("pip"), list):
            for line in each["pip"]:
                take_line(str(line).strip(), path.parent, root, declared)
    return declared


def _take_conda(text: str, declared: Declared, folder: Path, root: Path) -> None:
    found = _CONDA.fullmatch(text.strip())
    if found is None:
        declared.notes.append(f"“{text[:80]}” of {declared.source} isn't understood, so it is left out.")
        return
    name = CONDA_NAMES.get(found["name"].lower(), found["name"])
    if name.lower() in {"python", "pip", "conda", "mamba"}:
        return
    version = found["version"].strip().replace(" ", "")
    if exact := _EXACT.fullmatch(version):
        # conda's `=1.2` is any 1.2.x
        version = f"=={exact[1]}" if found["build"] else f"=={exact[1].rstrip('.*')}.*"
    elif version[:1].isdigit() or "|" in version:
        version = ""
    take_requirement(f"{name}{version}", folder, root, declared)


#: by their names, the first of a folder winning
READERS: tuple[tuple[str, Reader], ...] = (
    ("pylock.toml", read_pylock),
    ("uv.lock", read_uv_lock),
    ("environment.yml", read_conda_environment),
    ("environment.yaml", read_conda_environment),
)
