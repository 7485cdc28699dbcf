"""What goes over the wire about versions beside each other."""

from enum import StrEnum

from jupyter_schedule.api.responses import Form, Shape, VersionShape


class VersionDetails(VersionShape):
    """A version with the form that makes it."""

    form: Form


class LineShape(Shape):
    """A line of a cell: same, added, removed, or gap for so many that are the same."""

    kind: str
    text: str


class CellShape(Shape):
    """A cell that was added, removed or changed."""

    kind: str
    #: code, markdown, raw
    type: str
    #: among the code cells; None of text
    number: int | None
    lines: tuple[LineShape, ...]
    #: tags before and after, where they differ
    tags: tuple[str, str] | None = None


class FileChange(Shape):
    """A file of the bundle that was added, removed or changed."""

    path: str
    kind: str


class DifferenceState(StrEnum):
    """Whether the code differs."""

    SAME = "same"
    DIFFERS = "differs"
    #: the notebook isn't on disk any more
    GONE = "gone"
    #: one of the two can't be read; `message` says why
    UNREADABLE = "unreadable"
    #: there is no notebook here to compare with
    NONE = "none"


class DifferenceShape(Shape):
    """GET /schedules/{name}/difference: a version beside another, or beside the notebook on disk."""

    state: DifferenceState
    message: str | None = None
    before: VersionDetails
    #: None is the notebook on disk
    after: VersionDetails | None = None
    #: the notebook's cells, without outputs, and how many more differ
    cells: tuple[CellShape, ...] = ()
    more: int = 0
    #: names of the kernels before and after, where they differ
    kernels: tuple[str, str] | None = None
    #: the bundle's other files, of two versions
    files: tuple[FileChange, ...] = ()
