"""`run` and `logs`: put a run into the ledger, watch one, show what it prints as it comes."""

import sys
from collections.abc import Callable

import click

from jupyter_schedule.cli.command import Command, echo, echo_json, json_option
from jupyter_schedule.cli.outputs import echo_published
from jupyter_schedule.cli.service import ServiceWhileWaiting
from jupyter_schedule.cli.session import HOW_TO_TICK, Session, find_run, opened
from jupyter_schedule.cli.shapes import ending_shape
from jupyter_schedule.cli.words import LogText, run_sentence, run_state
from jupyter_schedule.core.models import Run, RunStatus
from jupyter_schedule.core.operations.removal import check_there

#: seconds between two looks at a log that grows, and at a run that waits to start
LOOK_AT_LOG = 0.2
LOOK_AT_RUN = 1.0
#: the exit code of a command that Ctrl-C ended
INTERRUPTED = 130


@click.command("run", cls=Command)
@click.argument("name")
@click.option("--wait", is_flag=True, help="Show what it prints, until its end; exit code 0 only when it succeeded.")
@click.option("--rehearse", is_flag=True, help="Leave what it has published as it is.")
@json_option
def run_now(name: str, wait: bool, rehearse: bool, as_json: bool) -> None:
    """Run the schedule NAME once now."""
    with opened() as session:
        run = session.operations.rehearse(name) if rehearse else session.operations.run_now(name)
        if wait:
            _wait(session, run, as_json=as_json)
        elif as_json:
            echo_json(session.run_shape(run))
        else:
            echo(f"Run {run.id[:8]} of “{run.schedule}” is on its way. See it:  jupyter schedule logs -f {run.id[:8]}")
            _say_unless_ticking(session, run)


@click.command(cls=Command)
@click.argument("run", metavar="RUN|NAME")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run's end.")
@json_option
def logs(run: str, follow: bool, as_json: bool) -> None:
    """What RUN printed, or the newest run of the schedule NAME; with --json all at once."""
    with opened() as session:
        found = find_run(session.operations, run, waiting=follow)
        check_there(found)
        if follow:
            _say_unless_ticking(session, found)
            try:
                found = watch(session, found, show_log=None if as_json else log_printer())
            except KeyboardInterrupt:
                raise click.exceptions.Exit(INTERRUPTED) from None
        if as_json:
            text = session.operations.files.log(found).decode(errors="replace")
            echo_json({"run_id": found.id, "schedule": found.schedule, "status": found.status, "log": text})
            return
        if not follow:
            log_printer()(session.operations.files.log(found), True)
        if not found.attempt:
            echo(run_sentence(found), err=True)


def watch(
    session: Session,
    run: Run,
    *,
    show_log: Callable[[bytes, bool], None] | None,
    show_state: Callable[[Run], None] | None = None,
    keep_ticking: Callable[[], None] | None = None,
) -> Run:
    """Wait until the run has ended; the run as it is then.

    show_log: gets the next bytes that the run printed, and whether they are the last.
    show_state: called whenever the run is in another status.
    keep_ticking: called all the while, and may raise to give up.
    """
    operations, store = session.operations, session.operations.store
    attempt = pieces = size = 0
    status: RunStatus | None = None
    seen = store.last_change()
    while True:
        # the run before its log: once it has ended, nothing is added any more
        run = operations.run(run.id)
        if run.status != status:
            status = run.status
            if show_state:
                show_state(run)
        if show_log and run.attempt:
            if run.attempt != attempt:
                attempt, pieces, size = run.attempt, 0, 0
            for piece in operations.files.log_pieces(run, pieces):
                show_log(piece, False)
                pieces, size = pieces + 1, size + len(piece)
        if run.status.terminal:
            if show_log:
                # what was too much for the live log, and all of it where there was none
                show_log(operations.files.log(run)[size:], True)
            return run
        if keep_ticking:
            keep_ticking()
        seen = store.wait_for_change(seen, LOOK_AT_LOG if show_log and run.attempt else LOOK_AT_RUN)


def log_printer() -> Callable[[bytes, bool], None]:
    """Prints a log's bytes as they are, but on a terminal only what is text."""
    text = LogText()
    on_terminal = sys.stdout.isatty()

    def show(piece: bytes, final: bool) -> None:
        click.echo(text.feed(piece, final=final) if on_terminal else piece, nl=False)

    return show


def _wait(session: Session, run: Run, *, as_json: bool) -> None:
    """Watch the run to its end, tell how it went, and leave with the exit code that says so."""
    on_terminal = sys.stderr.isatty()

    def say(line: str) -> None:
        echo(line, err=True)

    def show_state(changed: Run) -> None:
        if on_terminal and not changed.status.terminal:
            say(run_state(changed)[0])

    try:
        with ServiceWhileWaiting(session.places.lock, say) as service:
            show_log = None if as_json else log_printer()
            run = watch(session, run, show_log=show_log, show_state=show_state, keep_ticking=service.ensure)
    except KeyboardInterrupt:
        say(f"The run goes on. Stop it:  jupyter schedule cancel {run.id[:8]}")
        _say_unless_ticking(session, session.operations.run(run.id))
        raise click.exceptions.Exit(INTERRUPTED) from None
    succeeded = run.status is RunStatus.SUCCEEDED
    if as_json:
        echo_json(ending_shape(run))
    if not succeeded:
        say(run_sentence(run))
        raise click.exceptions.Exit(1)
    if not as_json:
        echo(run_sentence(run))
        echo_published(run)


def _say_unless_ticking(session: Session, run: Run) -> None:
    if not run.status.terminal and not session.ticking:
        what = "its results wait" if run.attempt else "the run waits"
        echo(f"Nothing is ticking now, so {what}: {HOW_TO_TICK}.", err=True)
