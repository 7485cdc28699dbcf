"""`create` and `bundle`: a request in options becomes a schedule, or only its bundle."""

import json
import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import click

from jupyter_schedule.cli.command import Command, echo, echo_json, json_option
from jupyter_schedule.cli.consent import CONFIRM_OPTION, with_consent
from jupyter_schedule.cli.notify import notified, notify_options
from jupyter_schedule.cli.policies import cap_remark, policy_options
from jupyter_schedule.cli.session import HOW_TO_TICK, Session, opened
from jupyter_schedule.cli.shapes import schedule_shape
from jupyter_schedule.cli.tables import echo_table
from jupyter_schedule.cli.timing import timing_options
from jupyter_schedule.cli.upcoming import echo_occurrences
from jupyter_schedule.core.bundles.packaging import BuiltBundle, PackagingRequest, build_bundle, write_bundle
from jupyter_schedule.core.descriptions import schedule_summary
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import (
    CatchUp,
    EnvironmentSource,
    FileEntry,
    Notify,
    Overlap,
    Schedule,
    ScheduleState,
    Timing,
    utc,
)
from jupyter_schedule.core.operations import names
from jupyter_schedule.core.operations.publishing_cost import cost_before
from jupyter_schedule.core.operations.run_cost import estimate_of
from jupyter_schedule.core.text import quoted, size_text
from jupyter_schedule.core.timing import policies, recurrence

#: rows of a list of files; a folder of data can hold thousands
_MOST_FILES = 30
_Decorated = Callable[..., Any]


def _choices(kind: type[Overlap | CatchUp | EnvironmentSource]) -> click.Choice[str]:
    return click.Choice([member.value for member in kind])


_BUNDLE_OPTIONS = (
    click.option(
        "--file", "files", metavar="GLOB", multiple=True, help="More files, relative to the folder you are in."
    ),
    click.option("--param", "params", metavar="K=V", multiple=True, help="A value for the notebook's parameters cell."),
    click.option("--param-json", "params_json", metavar="JSON", multiple=True, help="""Values by name: '{"n": 1}'."""),
    click.option(
        "--output-dir", metavar="DIR", help="Where results are written, beside the notebook. [default: output]"
    ),
    click.option("--kernel", metavar="NAME", help="Another kernel than the notebook's."),
    click.option(
        "--environment",
        type=_choices(EnvironmentSource),
        default=EnvironmentSource.KERNEL.value,
        show_default=True,
        help="Run in the kernel's environment as it is here, or in a fresh one from the pinned requirements.",
    ),
)


def _bundle_options(function: _Decorated) -> _Decorated:
    for option in reversed(_BUNDLE_OPTIONS):
        function = option(function)
    return function


@click.command(cls=Command)
@click.argument("notebook", required=False)
@click.option("--tarball", metavar="FILE", help="A .tar.gz of any code, instead of a notebook.")
@click.option("--command", metavar="COMMAND", help="The tarball's Bash command.  [default: ./run.sh]")
@click.option("--name", metavar="NAME", help="A name of its own; made from the notebook's without it.")
@timing_options
@policy_options
@notify_options
@_bundle_options
@click.option("--timeout", type=click.IntRange(1, 1440), metavar="MINUTES", default=120, show_default=True)
@click.option("--public", "visibility", flag_value="public", help="Everyone can read the results.")
@CONFIRM_OPTION
@click.option("--publish-report", is_flag=True, help="Publish the executed notebook and the log, too.")
@click.option("--private", "visibility", flag_value="private", default="private", help="Only you can; the default.")
@click.option("--no-publish", "visibility", flag_value="none", help="Keep results with each run, publish none.")
@click.option("--previous", metavar="GLOB", multiple=True, help="Published files that a run finds in PREVIOUS_DIR.")
@click.option("--expect", metavar="LINE", multiple=True, help="What the outputs must be: 'day*.csv rows>=100'.")
@click.option("--env", metavar="NAME", multiple=True, help="A variable that a run takes over from the service's.")
@click.option("--overlap", type=_choices(Overlap), default="queue_one", show_default=True, help="When one still runs.")
@click.option("--catch-up", type=_choices(CatchUp), default="latest", show_default=True, help="After a time off.")
@click.option("--launcher", metavar="NAME", default="local", show_default=True, help="What runs it, such as ec2.")
@click.option("--size", metavar="NAME", help="The machine's size, by the operator's name for it, such as large.")
@click.option("--data-role", metavar="NAME", help="A role for data that runs on EC2 have, by the operator's name.")
@click.option(
    "--rehearse/--no-rehearse",
    default=None,
    help="Start only when a run has succeeded that replaces nobody's results; the default where runs cost money.",
)
@json_option
def create(
    *,
    name: str | None,
    as_json: bool,
    timing: Timing,
    confirm_public: bool,
    rehearse: bool | None,
    told: dict[str, Any],
    **options: Any,
) -> None:
    """Schedule NOTEBOOK, or a tarball with a command; daily at 12:00 UTC unless told otherwise."""
    request, root = _request(timing, notify=notified(Notify(), told), **options)
    name = name if name is not None else _suggested(request)
    names.check(name)
    with opened() as session:
        made = build_bundle(request, root, session.operations.objects)
        schedule = with_consent(
            lambda says_so: session.operations.create(name, made.spec, public_confirmed=says_so, rehearse=rehearse),
            says_so=confirm_public,
        )
        if as_json:
            files = [file.model_dump(mode="json") for file in made.files]
            shape = schedule_shape(schedule, session.now, None)
            cost = cost_before(session.operations, schedule.spec)
            echo_json(shape | {"files": files, "warnings": list(made.warnings), "publishing_cost": cost})
        else:
            _tell(session, schedule, made)


@click.command(cls=Command)
@click.argument("notebook")
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="[default: NOTEBOOK's name.tar.gz]"
)
@click.option("--force", is_flag=True, help="Replace the file that is there.")
@click.option("--timezone", metavar="ZONE", default="UTC", show_default=True, help="The zone that dates are told in.")
@_bundle_options
@json_option
def bundle(output: Path | None, force: bool, timezone: str, as_json: bool, **options: Any) -> None:
    """Make the bundle of NOTEBOOK, the same that `create` makes; unpack it anywhere and start ./run.sh."""
    request, root = _request(recurrence.daily("12:00", timezone), **options)
    assert request.notebook is not None
    output = output or Path(f"{request.notebook.stem}.tar.gz")
    if not force and os.path.lexists(output):
        raise Refused("file_exists", f"{output} is there already: add --force to replace it.", "output")
    if not output.parent.is_dir():
        raise Refused("no_such_folder", f"There is no folder {output.parent}: make it first.", "output")
    made = write_bundle(request, root, output)
    if as_json:
        files = [file.model_dump(mode="json") for file in made.files]
        about = {"path": str(output), "digest": made.spec.bundle, "size": made.size}
        echo_json(about | {"files": files, "warnings": list(made.warnings)})
        return
    echo(f"{output}, {size_text(made.size)}, {made.spec.bundle}")
    _tell_files(made)


def _request(  # one argument an option
    timing: Timing,
    *,
    notebook: str | None,
    tarball: str | None = None,
    command: str | None = None,
    params: tuple[str, ...],
    params_json: tuple[str, ...],
    files: tuple[str, ...],
    **options: Any,
) -> tuple[PackagingRequest, Path]:
    """What the options ask for, and the root: the folder one is in, or the notebook's when that is elsewhere."""
    if (notebook is None) == (tarball is None):
        raise Refused("one_thing", "Give one of a notebook and --tarball FILE.", "notebook")
    if notebook is not None and command is not None:
        raise Refused("not_with_notebook", "--command goes with --tarball; a notebook has its own.", "command")
    here = Path.cwd()
    path = _placed(here, notebook) if notebook is not None else None
    root = here if path is None or path.is_relative_to(here) else path.parent
    request = PackagingRequest(
        timing=timing,
        notebook=path,
        tarball=here / tarball if tarball is not None else None,
        command=command if command is not None else "./run.sh",
        parameters=_json_parameters(params_json),
        parameter_texts=dict(_parameter(text) for text in params),
        files=tuple(_pattern(here, root, pattern) for pattern in files),
        **options,
    )
    return request, root


def _placed(here: Path, notebook: str) -> Path:
    """The notebook's path without `..`; below `here` also when it was written through a link to that."""
    path = Path(os.path.normpath(here / notebook))
    real = path.parent.resolve() / path.name
    return real if real.is_relative_to(here) and not path.is_relative_to(here) else path


def _pattern(here: Path, root: Path, pattern: str) -> str:
    """A pattern relative to `here` as one relative to `root`."""
    whole = Path(os.path.normpath(here / pattern))
    if not whole.is_relative_to(root):
        message = f"{quoted(pattern)} is outside {root}: go to a folder that holds the notebook and its files."
        raise Refused("outside_root", message, "files")
    return whole.relative_to(root).as_posix()


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Refused("bad_parameter", f"Write a parameter as NAME=VALUE; {quoted(text)} isn't.", "parameters")
    return name, value


def _json_parameters(texts: tuple[str, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for text in texts:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            message = f"""Write --param-json as an object such as '{{"n": 1}}'; {quoted(text)} isn't."""
            raise Refused("bad_parameter", message, "parameters")
        values |= value
    return values


def _suggested(request: PackagingRequest) -> str:
    path = request.notebook or request.tarball
    assert path is not None
    stem = path.name.removesuffix(".ipynb").removesuffix(".gz").removesuffix(".tgz").removesuffix(".tar")
    suggestion = names.suggest(stem)
    if not suggestion:
        raise Refused("bad_name", "No name can be made from that file's: give one with --name.", "name")
    return suggestion


def _tell(session: Session, schedule: Schedule, made: BuiltBundle) -> None:
    """What was recorded, what is in it, when it is due, and what to do now."""
    now = utc(session.now)
    echo(f"Scheduled “{schedule.name}”.")
    echo(schedule_summary(schedule, now))
    if cost := cost_before(session.operations, schedule.spec):
        echo(cost)
    if remark := cap_remark(schedule.spec, session.operations.offers()):
        echo(remark)
    if expected := estimate_of(session.operations.store, session.operations.offers(), schedule.spec, None, now):
        echo(expected.text)
    echo("")
    _tell_files(made)
    echo("")
    echo("Next:")
    echo_occurrences(list(islice(policies.coming(schedule.spec, now), 3)))
    echo("")
    if schedule.state is ScheduleState.REHEARSING:
        echo(f"It starts when its rehearsal has succeeded; watch that:  jupyter schedule logs -f {schedule.name}")
    else:
        echo(f"Try it now:  jupyter schedule run {schedule.name} --wait")
    if not session.ticking:
        echo(f"Nothing is ticking now, so nothing runs by itself: {HOW_TO_TICK}.")


def _tell_files(made: BuiltBundle) -> None:
    count = len(made.files)
    echo(f"{count} file{'s' * (count != 1)}, {size_text(made.size)} packed:")
    echo_files(made.files)
    for warning in made.warnings:
        echo(f"! {warning}")


def echo_files(files: tuple[FileEntry, ...]) -> None:
    """Print names and sizes, of the first thirty."""
    rows = [(file.path, size_text(file.size)) for file in files[:_MOST_FILES]]
    rest = files[_MOST_FILES:]
    if rest:
        rows.append((f"and {len(rest):,} more", size_text(sum(file.size for file in rest))))
    echo_table(("", ""), rows, right=(1,))
