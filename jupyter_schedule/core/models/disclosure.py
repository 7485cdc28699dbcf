"""The findings of the disclosure check, which stand between a file and the public, and the place of a run's findings.

A finding says what and where, never the text itself: whoever may read the run may still not be meant to read a key.
"""

from enum import StrEnum

from jupyter_schedule.core.models.base import Model


class FindingKind(StrEnum):
    """The kind of a finding."""

    SECRET = "secret"  # noqa: S105  (a kind of finding)
    EMAIL = "email"
    IP_ADDRESS = "ip_address"
    #: UUIDs, long hexadecimal numbers and the like, one a row
    CLIENT_ID = "client_id"
    #: what belongs to one person: the number of a card or an account, a telephone, a name beside what is said of it
    PERSONAL = "personal"
    #: a table with a row for each person or event, where the public gets aggregates
    ROW_LEVEL = "row_level"
    #: an aggregate of so few that it tells about single ones
    SMALL_CELL = "small_cell"
    #: nobody can say what is in it
    UNCHECKED = "unchecked"


class DisclosureFinding(Model):
    """Something that shouldn't become public, or couldn't be looked at."""

    #: `output/…` or `report/…`
    path: str
    kind: FindingKind
    #: a sentence that tells what and where
    message: str
    #: 1-based, where it first stands
    line: int | None = None
    #: 1-based row of a table that has no lines
    row: int | None = None
    #: 1-based column of a table
    column: int | None = None
    #: 1-based code cell of a notebook
    cell: int | None = None
    #: the number of times that it stands there
    count: int = 1


class DisclosureReport(Model):
    """The disclosure check's report on a run's files."""

    findings: tuple[DisclosureFinding, ...] = ()
    #: findings beyond those that are listed
    more: int = 0


#: every run's `Checked`, and what was found in files, by their content
DISCLOSURES = "disclosure/"
FOUND_IN_FILES = "disclosure/files/"


def disclosure_report_key(run_id: str) -> str:
    """The object in the work area with the `Checked` of a run.  Workers can't write there."""
    return f"disclosure/runs/{run_id}.json"
