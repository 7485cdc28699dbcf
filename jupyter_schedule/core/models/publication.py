"""A publisher at work, a withdrawal that is owed, and the findings of the disclosure check before the public.

A finding says what and where, never the text itself: whoever may read the run may still not be meant to read a key.
"""

from enum import StrEnum

from jupyter_schedule.core.models.base import LOCAL_OWNER, Model, UtcTime, publication_name


class Publisher(Model):
    """The right to write one run's publication: it ends when the run changes hands, or its schedule its privacy."""

    run_id: str
    #: the run's, at which it was taken up
    fence: int
    schedule_id: str
    #: the schedule's, whose privacy is kept; None where what is written is private anyhow
    version: int | None = None
    #: the area that everybody can read, to which it writes; None as long as it writes to no such area
    area: str | None = None


class Withdrawal(Model):
    """The duty to take out of a public area all that a schedule published there, as long as that isn't done."""

    schedule_id: str
    schedule: str
    #: whose schedule that is
    owner: str = LOCAL_OWNER
    #: the area that it has to leave
    area: str
    #: the schedule's version that made it private
    version: int
    owed_since: UtcTime
    #: how often somebody has claimed to try it
    tries: int = 0
    tried_at: UtcTime | None = None
    #: the objects that were left by the last try; None while nobody has counted
    remaining: int | None = None
    #: why it failed
    trouble: str | None = None
    #: those that signed on and not off when it was read: each may still write to the area
    publishers: int = 0

    @property
    def publication_name(self) -> str:
        """The folder of its results in the area."""
        return publication_name(self.owner, self.schedule)

    @property
    def is_clean(self) -> bool:
        """True if the last try left nothing, and only those who may still write are waited for."""
        return self.remaining == 0 and self.trouble is None


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
    #: all of them are in pages of charts, and nothing is found in those pages without their hover data
    only_hover_data: bool = False


#: every run's `Checked`, and what was found in files, by their content
DISCLOSURES = "disclosure/"
FOUND_IN_FILES = "disclosure/files/"


def disclosure_report_key(run_id: str) -> str:
    """The object in the work area with the `Checked` of a run.  Workers can't write there."""
    return f"disclosure/runs/{run_id}.json"
