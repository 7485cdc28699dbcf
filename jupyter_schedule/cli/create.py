"""`create`, `clone` and `bundle`: options become a schedule, another one like it, or only the bundle."""

import os
import tempfile
from pathlib import Path
from typing import Any

import click

from jupyter_schedule.api.requests import Form
from jupyter_schedule.api.responses import PreviewResponse, ScheduleResponse
from jupyter_schedule.cli.command import (
    Command,
    connected,
    json_option,
    name_argument,
    say_unless_ticking,
)
from jupyter_schedule.cli.options import (
    BUNDLE_OPTIONS,
    CONSENT_OPTIONS,
    SCHEDULE_OPTIONS,
    patch_of,
    require_confirmation,
    with_options,
)
from jupyter_schedule.cli.output import count_text, echo, echo_json, echo_table
from jupyter_schedule.cli.server_option import asked_server
from jupyter_schedule.cli.show import cap_remark, echo_occurrences, results_text
from jupyter_schedule.client.client import Client
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import ScheduleState
from jupyter_schedule.core.notebooks.text_notebooks import is_text_notebook
from jupyter_schedule.core.operations import names
from jupyter_schedule.core.text import quoted, size_text

#: rows of a list of files; a folder of data can hold thousands
_MOST_FILES = 30
#: what a preview says of files that are in the bundle
_PACKED = {"included", "named"}


@click.command(cls=Command)
@click.argument("notebook", required=False)
@click.option("--name", metavar="NAME", help="A name of its own; made from the notebook's without it.")
@with_options(SCHEDULE_OPTIONS)
@json_option
def create(*, notebook: str | None, name: str | None, as_json: bool, **given: Any) -> None:
    """Schedule NOTEBOOK, or a tarball with a command; daily at 12:00 UTC unless told otherwise.

    With --server, NOTEBOOK is a path below the folder that the server serves; a tarball is sent from here.
    """
    tarball: str | None = given.pop("tarball")
    if (notebook is None) == (tarball is None):
        raise Refused("one_thing", "Give one of a notebook and --tarball FILE.", "notebook")
    if notebook is not None and given["command"] is not None:
        raise Refused("not_with_notebook", "--command goes with --tarball; a notebook has its own.", "command")
    name = name if name is not None else _suggested(notebook or tarball or "")
    names.check(name)
    patch = patch_of(given, Form())
    root, patch = _located(notebook, given["file"], patch)
    with connected(root) as client:
        if tarball is not None:
            patch["tarball"] = client.upload_bundle(Path.cwd() / tarball)
        form = form_of(patch | {"name": name})
        preview = previewed(client, form)
        made = require_confirmation(
            lambda confirmed: client.create(
                form, bundle=preview.bundle, rehearse=given["rehearse"], public_confirmed=confirmed
            ),
            confirmed=given["confirm_public"],
        )
        if as_json:
            echo_json(made)
        else:
            _tell(client, made, preview)


@click.command(cls=Command)
@name_argument()
@click.argument("new_name", metavar="NEW")
@with_options(CONSENT_OPTIONS)
@json_option
def clone(*, name: str, new_name: str, as_json: bool, confirm_public: bool, rehearse: bool | None) -> None:
    """Make a schedule NEW that does what the schedule NAME does; then change it with `edit NEW`."""
    with connected() as client:
        made = require_confirmation(
            lambda confirmed: client.clone(name, new_name, rehearse=rehearse, public_confirmed=confirmed),
            confirmed=confirm_public,
        )
        if as_json:
            echo_json(made)
            return
        echo(f"Scheduled “{made.name}”, which does what “{name}” does.")
        echo(made.summary)
        echo(f"Results:  {results_text(made)}")


@click.command(cls=Command)
@click.argument("notebook")
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="[default: NOTEBOOK's name.tar.gz]"
)
@click.option("--force", is_flag=True, help="Replace the file that is there.")
@click.option("--timezone", metavar="ZONE", help="The zone that dates are told in.  [default: UTC]")
@with_options(BUNDLE_OPTIONS)
@json_option
def bundle(*, notebook: str, output: Path | None, force: bool, as_json: bool, **given: Any) -> None:
    """Make the bundle of NOTEBOOK, the same that `create` makes; unpack it anywhere and start ./run.sh."""
    output = output or Path(f"{Path(notebook).stem}.tar.gz")
    if not force and os.path.lexists(output):
        raise Refused("file_exists", f"{output} is there already: add --force to replace it.", "output")
    if not output.parent.is_dir():
        raise Refused("no_such_folder", f"There is no folder {output.parent}: make it first.", "output")
    root, patch = _located(notebook, given["file"], patch_of(given, Form()))
    with connected(root) as client, tempfile.TemporaryDirectory(dir=output.parent) as scratch:
        preview = previewed(client, form_of(patch))
        assert preview.bundle is not None
        # whole or not at all under its name
        packed = Path(scratch) / "bundle.tar.gz"
        client.download_bundle(preview.bundle, packed)
        packed.replace(output)
    if as_json:
        echo_json({"path": str(output), **preview.model_dump(mode="json")})
        return
    echo(f"{output}, {size_text(preview.size)}, {preview.bundle}")
    _tell_files(preview)


def form_of(values: dict[str, Any]) -> Form:
    """The form with those values; what a merge patch takes back is left as it is by default."""
    return Form.model_validate({name: _without_none(value) for name, value in values.items() if value is not None})


def _without_none(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: each for name, each in value.items() if each is not None}


def previewed(client: Client, form: Form) -> PreviewResponse:
    """The preview, with the bundle kept.  Raises Refused with the first thing that is wrong."""
    preview = client.preview(form)
    for problem in preview.problems:
        raise Refused(problem.code, problem.message, problem.field)
    return preview


def _located(notebook: str | None, patterns: tuple[str, ...], patch: dict[str, Any]) -> tuple[Path, dict[str, Any]]:
    """The folder that paths are relative to, and the patch with the notebook and the files relative to it.

    On this machine that is the folder one is in, or the notebook's when that is elsewhere; on a server, the server's.
    """
    here = Path.cwd()
    if asked_server() is not None:
        paths = {"notebook": notebook} if notebook is not None else {}
        return here, patch | paths | {"files": list(patterns)}
    path = _placed(here, notebook) if notebook is not None else None
    root = here if path is None or path.is_relative_to(here) else path.parent
    paths = {"notebook": path.relative_to(root).as_posix()} if path is not None else {}
    return root, patch | paths | {"files": [relative_pattern(here, root, pattern) for pattern in patterns]}


def _placed(here: Path, notebook: str) -> Path:
    """The notebook's path without `..`; below `here` also when it was written through a link to that."""
    path = Path(os.path.normpath(here / notebook))
    real = path.parent.resolve() / path.name
    return real if real.is_relative_to(here) and not path.is_relative_to(here) else path


def relative_pattern(here: Path, root: Path, pattern: str) -> str:
    """A pattern relative to `here` as one relative to `root`."""
    whole = Path(os.path.normpath(here / pattern))
    if not whole.is_relative_to(root):
        message = f"{quoted(pattern)} is outside {root}: go to a folder that holds the notebook and its files."
        raise Refused("outside_root", message, "files")
    return whole.relative_to(root).as_posix()


def _suggested(path: str) -> str:
    stem = Path(path).name
    if is_text_notebook(stem):
        stem = Path(stem).stem
    stem = stem.removesuffix(".ipynb").removesuffix(".gz").removesuffix(".tgz").removesuffix(".tar")
    suggestion = names.suggest(stem)
    if not suggestion:
        raise Refused("bad_name", "No name can be made from that file's: give one with --name.", "name")
    return suggestion


def _tell(client: Client, made: ScheduleResponse, preview: PreviewResponse) -> None:
    """Print what was recorded, where results go, what is in it, when it is due, and what to do now."""
    echo(f"Scheduled “{made.name}”.")
    echo(made.summary)
    echo(f"Results:  {results_text(made)}")
    if preview.publishing_cost:
        echo(preview.publishing_cost)
    if remark := cap_remark(made.form, preview.workers):
        echo(remark)
    if preview.estimate:
        echo(preview.estimate.text)
    echo("")
    _tell_files(preview)
    echo("")
    echo("Next:")
    echo_occurrences(preview.next[:3], made.timing.timezone)
    echo("")
    if made.state is ScheduleState.REHEARSING:
        echo(f"It starts when its rehearsal has succeeded; watch that:  jupyter schedule logs -f {made.name}")
    else:
        echo(f"Try it now:  jupyter schedule run {made.name} --wait")
    say_unless_ticking(client, ", so nothing runs by itself")


def _tell_files(preview: PreviewResponse) -> None:
    files = sorted((file.path, file.size) for file in preview.files if file.status in _PACKED)
    # a tarball is taken as it is
    what = f"{count_text(len(files), 'file')}, " if files else ""
    echo(f"{what}{size_text(preview.size)} packed{':' if files else '.'}")
    rows = [(path, size_text(size)) for path, size in files[:_MOST_FILES]]
    rest = files[_MOST_FILES:]
    if rest:
        rows.append((f"and {len(rest):,} more", size_text(sum(size for _, size in rest))))
    if rows:
        echo_table(("", ""), rows, right=(1,))
    for finding in preview.findings:
        if finding.level != "ok":
            echo(f"! {finding.message}")
