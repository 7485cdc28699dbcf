"""`run`, `logs`, `outputs`, `cancel`, `retry` and `approve`: one run, from its beginning to what it left."""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext

import click

from jupyter_schedule.api.responses import RunDetails, RunResponse
from jupyter_schedule.cli.command import (
    Command,
    complete_names,
    connected,
    json_option,
    name_argument,
    say_unless_ticking,
)
from jupyter_schedule.cli.output import INTERRUPTED, LogText, echo, echo_json, echo_table, run_sentence, run_state
from jupyter_schedule.cli.server_option import asked_server, whole_address
from jupyter_schedule.cli.service import TemporaryService
from jupyter_schedule.client.client import Client
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import PublishedFile, Reason, RunStatus
from jupyter_schedule.core.text import listed, size_text

#: seconds between two looks at a log that grows, and at a run that waits to start; a server is asked less often
LOOK_AT_LOG = 0.2
LOOK_AT_RUN = 1.0
#: names that a sentence has room for
_MOST_NAMES = 5

run_argument = click.argument("run", metavar="RUN|NAME", shell_complete=complete_names)


@click.command("run", cls=Command)
@name_argument()
@click.option("--wait", is_flag=True, help="Show what it prints, until its end; exit code 0 only when it succeeded.")
@click.option("--rehearse", is_flag=True, help="Leave what it has published as it is.")
@json_option
def run_now(name: str, wait: bool, rehearse: bool, as_json: bool) -> None:
    """Run the schedule NAME once now; with --wait exit code 1 when the run failed."""
    with connected() as client:
        run = client.rehearse(name) if rehearse else client.run_now(name)
        if wait:
            _wait(client, run, as_json=as_json)
        else:
            _tell_begun(client, run, as_json=as_json)


@click.command(cls=Command)
@run_argument
@json_option
def retry(run: str, as_json: bool) -> None:
    """Run once more what RUN did, or the newest run of the schedule NAME: same version, same occurrence."""
    with connected() as client:
        _tell_begun(client, client.retry(client.find_run(run).run_id), as_json=as_json)


@click.command(cls=Command)
@run_argument
@click.option("-f", "--follow", is_flag=True, help="Go on until the run's end.")
@json_option
def logs(run: str, follow: bool, as_json: bool) -> None:
    """Print the log of RUN, or of the newest run of the schedule NAME; with --json all at once."""
    with connected() as client:
        found: RunResponse = client.find_run(run, waiting=follow)
        # of a run whose files are gone this says so before anything is waited for
        client.log(found.run_id)
        if follow:
            _say_what_waits(client, found)
            try:
                found = watch(client, found, show_log=None if as_json else log_printer())
            except KeyboardInterrupt:
                raise click.exceptions.Exit(INTERRUPTED) from None
        if as_json:
            text = client.log(found.run_id, whole=True).text
            echo_json({"run_id": found.run_id, "schedule": found.schedule, "status": found.status, "log": text})
            return
        if not follow:
            log_printer()(client.log(found.run_id, whole=True).text, True)
        if found.status is RunStatus.DUE or not found.attempts:
            echo(run_sentence(found.status, found.reason, found.message), err=True)


@click.command(cls=Command)
@run_argument
@json_option
def outputs(run: str, as_json: bool) -> None:
    """The files that RUN left, or the newest run of the schedule NAME, with sizes and addresses."""
    with connected() as client:
        found = client.run(client.find_run(run).run_id)
        output_dir = _output_dir(client, found)
    if as_json:
        echo_json(found)
        return
    echo(run_sentence(found.status, found.reason, found.message))
    if found.removed is not None:
        echo(found.removed)
        return
    _tell_files("Outputs", found.publication.files if found.publication else found.outputs)
    _tell_files("Report", found.report)
    for line in _remarks(found, output_dir):
        echo(line)
    for finding in found.findings:
        echo(f"! {finding.message}")


@click.command(cls=Command)
@run_argument
@json_option
def cancel(run: str, as_json: bool) -> None:
    """Stop RUN, or the open run of the schedule NAME; what it has so far is kept."""
    with connected() as client:
        stopped = client.cancel(_open_run(client, run))
        if as_json:
            echo_json(stopped)
            return
        echo(f"Run {stopped.run_id[:8]} of “{stopped.schedule}” is being stopped; what it has so far is kept.")
        say_unless_ticking(client, ", so it stops when a service runs")


@click.command(cls=Command)
@run_argument
@click.option("--reason", metavar="TEXT", help="Why it may be public although the disclosure check found something.")
@click.option(
    "--without-hover-data",
    is_flag=True,
    help="Publish pages of charts without what they show when somebody points at them, if nothing is found then.",
)
@json_option
def approve(run: str, reason: str | None, without_hover_data: bool, as_json: bool) -> None:
    """Publish what RUN made: a rehearsal that you looked at, or results that the disclosure check held back.

    Your name and the reason are recorded.
    """
    with connected() as client:
        held = client.run(client.find_run(run).run_id)
        if held.reason == Reason.DISCLOSURE and reason is None and not without_hover_data:
            other = " Or publish their charts without hover data: --without-hover-data." if held.only_hover_data else ""
            if not sys.stdin.isatty():
                message = "The disclosure check held these results back. Say why they may be public: --reason TEXT."
                raise Refused("reason_needed", message + other, "reason")
            for finding in held.findings:
                echo(f"! {finding.message}", err=True)
            if other:
                echo(other.strip(), err=True)
            reason = click.prompt("Why may these results be public all the same?", err=True)
        made = client.approve(held.run_id, reason, without_hover_data=without_hover_data)
        if as_json:
            echo_json(made)
            return
        echo(f"What run {held.run_id[:8]} of “{held.schedule}” made is being published, by run {made.run_id[:8]}.")
        say_unless_ticking(client, ", so it waits")


def watch(
    client: Client,
    run: RunResponse,
    *,
    show_log: Callable[[str, bool], None] | None,
    show_state: Callable[[RunResponse], None] | None = None,
    keep_ticking: Callable[[], None] | None = None,
    pause: Callable[[float], None] | None = None,
) -> RunDetails:
    """Wait until the run has ended; the run as it is then.

    show_log: gets what the run printed next, and whether that is the last.
    show_state: called whenever the run is in another status.
    keep_ticking: called all the while, and may raise to give up.
    pause: waits for so many seconds between two looks; None sleeps.
    """
    attempt = following = shown = 0
    status: RunStatus | None = None
    while True:
        # the run before its log: once it has ended, nothing is added any more
        details = client.run(run.run_id)
        if details.status != status:
            status = details.status
            if show_state:
                show_state(details)
        number = max((each.number for each in details.attempts), default=0)
        if show_log and number:
            if number != attempt:
                attempt, following, shown = number, 0, 0
            if not status.terminal:
                found = client.log(run.run_id, following)
                show_log(found.text, False)
                following, shown = found.next, shown + len(found.text)
        if status.terminal:
            if show_log:
                # what was too much for the live log, and all of it where there was none
                show_log(client.log(run.run_id, whole=True).text[shown:], True)
            return details
        if keep_ticking:
            keep_ticking()
        (pause or time.sleep)(LOOK_AT_LOG if show_log and number and asked_server() is None else LOOK_AT_RUN)


def log_printer() -> Callable[[str, bool], None]:
    """Prints a log's text as it is, but on a terminal only what is text."""
    text = LogText()
    on_terminal = sys.stdout.isatty()

    def show(piece: str, final: bool) -> None:
        click.echo(text.feed(piece.encode(), final=final) if on_terminal else piece.encode(), nl=False)

    return show


def _tell_begun(client: Client, run: RunResponse, *, as_json: bool) -> None:
    if as_json:
        echo_json(run)
        return
    short = run.run_id[:8]
    echo(f"Run {short} of “{run.schedule}” is on its way. See it:  jupyter schedule logs -f {short}")
    _say_what_waits(client, run)


def _wait(client: Client, run: RunResponse, *, as_json: bool) -> None:
    """Watch the run to its end, tell how it went, and leave with the exit code that says so."""
    on_terminal = sys.stderr.isatty()

    def say(line: str) -> None:
        echo(line, err=True)

    def show_state(changed: RunResponse) -> None:
        if on_terminal and not changed.status.terminal:
            say(run_state(changed.status, changed.reason)[0])

    # a server's machine has its own service, or none that could be started from here
    there = asked_server() is not None
    service: AbstractContextManager[TemporaryService | None] = (
        nullcontext() if there else TemporaryService(lambda: client.status().ticking, say)
    )
    if there:
        _say_what_waits(client, run)
    try:
        with service as started:
            ended = watch(
                client,
                run,
                show_log=None if as_json else log_printer(),
                show_state=show_state,
                keep_ticking=started.ensure if started else None,
            )
    except KeyboardInterrupt:
        say(f"The run goes on. Stop it:  jupyter schedule cancel {run.run_id[:8]}")
        _say_what_waits(client, client.run(run.run_id))
        raise click.exceptions.Exit(INTERRUPTED) from None
    sentence = run_sentence(ended.status, ended.reason, ended.message)
    succeeded = ended.status is RunStatus.SUCCEEDED
    if as_json:
        echo_json(ended)
    if not succeeded:
        say(sentence)
        raise click.exceptions.Exit(1)
    if not as_json:
        echo(sentence)
        if ended.publication is not None:
            _tell_files("Published", ended.publication.files)
            echo(f"All results of “{ended.schedule}”:  {whole_address(ended.publication.url)}")


def _say_what_waits(client: Client, run: RunResponse) -> None:
    if not run.status.terminal:
        begun = run.status is not RunStatus.DUE
        say_unless_ticking(client, f", so {'its results wait' if begun else 'the run waits'}")


def _open_run(client: Client, text: str) -> str:
    """The id of the run that `text` means: the only open one of the schedule with that name, else that run."""
    try:
        runs = client.runs(text)
    except Refused as refused:
        if refused.code != "no_such_schedule":
            raise
        return client.find_run(text, waiting=True).run_id
    found = [run for run in runs if not run.status.terminal]
    if not found:
        raise Refused("no_open_run", f"“{text}” has no run that could be stopped.")
    if len(found) > 1:
        ids = ", ".join(run.run_id[:8] for run in found)
        raise Refused("several_runs", f"“{text}” has several open runs; name the one to stop: {ids}.")
    return found[0].run_id


def _tell_files(title: str, files: Iterable[PublishedFile]) -> None:
    rows = [(file.path, size_text(file.size), whole_address(file.url)) for file in files]
    if rows:
        echo(f"{title}:")
        echo_table(("", "", ""), rows, right=(1,), fold=False)


def _output_dir(client: Client, run: RunDetails) -> str:
    """The output folder of the run's schedule as it is now; the usual one where that is deleted."""
    try:
        return client.schedule(run.schedule).form.output_dir or "output"
    except Refused:
        return "output"


def _remarks(run: RunDetails, output_dir: str) -> Sequence[str]:
    if not (run.outputs or run.report or run.elsewhere or run.notes):
        return ["It left no files yet."]
    remarks = [] if run.outputs else [f"Nothing was written to {output_dir}/."]
    if run.elsewhere:
        more = len(run.elsewhere) - _MOST_NAMES
        names = [*run.elsewhere[:_MOST_NAMES], *([f"{more} more"] if more > 0 else [])]
        verb = "was" if len(run.elsewhere) == 1 else "were"
        remarks.append(
            f"{listed(names)} {verb} written outside {output_dir}/: "
            f"use --output-dir . or write to {output_dir}/ to publish."
        )
    return [*remarks, *run.notes]
