"""`outputs`: the files that a run left, where each can be had, and what it wrote where nobody collects it."""

from collections.abc import Iterable
from typing import Any

import click

from jupyter_schedule.cli.command import Command, echo, echo_json, json_option
from jupyter_schedule.cli.session import find_run, opened
from jupyter_schedule.cli.shapes import file_shape
from jupyter_schedule.cli.tables import echo_table
from jupyter_schedule.cli.words import run_sentence
from jupyter_schedule.core.models import FileEntry, PublishedFile, Result, Run
from jupyter_schedule.core.object_keys import OUTPUT, REPORT
from jupyter_schedule.core.operations.operations import Operations
from jupyter_schedule.core.operations.removal import removed, standing
from jupyter_schedule.core.text import listed, size_text

#: names that a sentence has room for
_MOST_NAMES = 5


@click.command(cls=Command)
@click.argument("run", metavar="RUN|NAME")
@json_option
def outputs(run: str, as_json: bool) -> None:
    """The files that RUN left, or the newest run of the schedule NAME, with sizes and addresses."""
    with opened() as session:
        operations = session.operations
        found = find_run(operations, run)
        result = operations.files.result(found)
        files = _addressed(operations, found, result)
        report = [_kept(operations, found, REPORT, file) for file in result.report] if result else []
        findings = operations.files.checked(found).findings
        output_dir = operations.store.version(found.schedule_id, found.version).spec.output_dir
    if as_json:
        echo_json(_shape(found, files, report, result))
        return
    echo(run_sentence(found))
    if (said := removed(found)) is not None:
        echo(said)
        return
    _tell_files("Outputs", files)
    _tell_files("Report", report)
    for line in _remarks(result, output_dir):
        echo(line)
    for finding in findings:
        echo(f"! {finding.message}")


def echo_published(run: Run) -> None:
    """Print what a run published, and where."""
    if run.publication is None:
        return
    _tell_files("Published", run.publication.files)
    echo(f"All results of “{run.schedule}”:  {run.publication.url}")


def _addressed(operations: Operations, run: Run, result: Result | None) -> list[PublishedFile]:
    """The outputs at their published addresses; of a run that published nothing, where they are kept."""
    if (published := standing(run)) is not None:
        return list(published.files)
    return [_kept(operations, run, OUTPUT, file) for file in result.files] if result else []


def _kept(operations: Operations, run: Run, folder: str, file: FileEntry) -> PublishedFile:
    return PublishedFile(**file.model_dump(), url=operations.files.url(run, folder + file.path))


def _shape(
    run: Run, files: Iterable[PublishedFile], report: Iterable[PublishedFile], result: Result | None
) -> dict[str, Any]:
    return {
        "run_id": run.id,
        "schedule": run.schedule,
        "status": run.status,
        "url": run.publication.url if run.publication else None,
        "files": [file_shape(file, file.url) for file in files],
        "report": [file_shape(file, file.url) for file in report],
        "elsewhere": list(result.elsewhere) if result else [],
        "notes": list(result.notes) if result else [],
    }


def _tell_files(title: str, files: Iterable[PublishedFile]) -> None:
    rows = [(file.path, size_text(file.size), file.url) for file in files]
    if rows:
        echo(f"{title}:")
        echo_table(("", "", ""), rows, right=(1,), fold=False)


def _remarks(result: Result | None, output_dir: str) -> list[str]:
    if result is None:
        return ["It left no files yet."]
    remarks = [] if result.files else [f"Nothing was written to {output_dir}/."]
    if result.elsewhere:
        more = len(result.elsewhere) - _MOST_NAMES
        names = [*result.elsewhere[:_MOST_NAMES], *([f"{more} more"] if more > 0 else [])]
        verb = "was" if len(result.elsewhere) == 1 else "were"
        remarks.append(
            f"{listed(names)} {verb} written outside {output_dir}/: "
            f"use --output-dir . or write to {output_dir}/ to publish."
        )
    return [*remarks, *result.notes]
