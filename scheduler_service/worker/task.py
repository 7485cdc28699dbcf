"""The task of one attempt, and how its launcher starts it: typed, versioned, the same on both sides.

The service freezes both in the attempt's row before anything is launched.  The agent gets the task alone, as JSON, on a
machine that has nothing of ours installed, so this needs nothing but Python.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from difflib import get_close_matches
from typing import Any, ClassVar, Self

#: grows with every change of what a task says; a service and an agent understand this one only
TASK_VERSION = 1


class TaskRefused(ValueError):  # noqa: N818  (an answer: the same document will be refused again)
    """The document isn't a task; the message is a sentence."""


class OtherTaskVersion(TaskRefused):
    """It is a task of another version, for a service, or an agent, that has that one."""

    def __init__(self, version: object) -> None:
        super().__init__(
            f"The task is of version {version}, and this jupyter-schedule understands version {TASK_VERSION}: "
            "it is left to one that has the other."
        )


@dataclass(frozen=True)
class _Document:
    """A part of a task."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """The value that a JSON object describes.  Raises TaskRefused for a key that is unknown, or missing."""
        known = {each.name for each in fields(cls)}
        for key in document:
            if key not in known:
                near = get_close_matches(key, known, n=1)
                advice = f" Did you mean {near[0]}?" if near else ""
                raise TaskRefused(f"A {cls.__name__} has no key {key}.{advice}")
        try:
            return cls(**document)
        except TypeError as problem:
            raise TaskRefused(f"A {cls.__name__} lacks a key: {problem}.") from None


@dataclass(frozen=True)
class PreviousFiles(_Document):
    """The files of its own publication that a run finds in PREVIOUS_DIR."""

    #: address of where they are
    objects: str
    prefix: str
    globs: list[str]
    #: the paths that match, for a worker that may not list; None lets it list
    paths: list[str] | None = None


@dataclass(frozen=True)
class ExpectedOutputs(_Document):
    """The conditions that a run's outputs must meet for it to count as a success."""

    #: the output contract, a line for each pattern
    lines: list[str]
    #: YYYY-MM-DD, for patterns with a date
    day: str
    #: address of what is published by now, None when nothing is
    objects: str | None
    #: key of its index
    index: str


@dataclass(frozen=True)
class WorkerTask(_Document):
    """The order that an agent gets for its attempt."""

    run_id: str
    attempt: int
    #: names this attempt's objects; nobody can guess it
    token: str
    #: the part of the work area that it writes to
    worker: str
    #: address of the work area
    objects: str
    #: digest of the bundle
    bundle: str
    #: for Bash
    command: str
    #: how long the command may take
    timeout_seconds: float
    version: int = TASK_VERSION
    #: where the agent makes its scratch folder; whoever starts the agent says it
    work_folder: str = ""
    #: path in the bundle, None for a tarball with a command
    notebook: str | None = None
    #: relative to the notebook's folder, or to the bundle's root
    output_dir: str = "output"
    #: what a run's parameters are, in place of the bundle's; None leaves the bundle as it is
    parameters: Mapping[str, Any] | None = None
    #: variables for the run, beside the agent's own
    environment: Mapping[str, str] = field(default_factory=dict)
    #: name, display_name, language, argv, env; None leaves it to the wrapper
    kernel: Mapping[str, Any] | None = None
    previous: PreviousFiles | None = None
    expect: ExpectedOutputs | None = None
    #: between two heartbeats
    heartbeat_seconds: float = 10.0
    #: from TERM to KILL
    grace_seconds: float = 5.0
    #: after so long the agent ends itself and all that it started, whatever it is at
    lifetime_seconds: float = 26 * 3600.0
    #: id of the user, and of the group, that the command runs as; None for the agent's own
    user: int | None = None
    #: names of the agent's own variables that the run is given, and whose values are told to nobody
    pass_environment: list[str] = field(default_factory=list)
    #: what the run may use: the fields of `limits.ProcessLimits`
    limits: Mapping[str, Any] = field(default_factory=dict)
    #: the ARN of the role that the run has for its data
    data_role: str | None = None
    #: names those with whom the run shares the environments that are made for it, and nobody else can guess it; without
    #: it they are for its bundle alone
    share: str = ""

    @property
    def shares_with(self) -> str:
        """The name of those who use what is made for it."""
        return self.share or self.bundle

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """The task that a JSON object describes.

        Raises OtherTaskVersion, and TaskRefused for a key that is unknown, or missing.
        """
        _check_version(document)
        task = super().of(document)
        return replace(
            task,
            previous=None if task.previous is None else PreviousFiles.of(_object(task.previous)),
            expect=None if task.expect is None else ExpectedOutputs.of(_object(task.expect)),
        )

    def document(self) -> dict[str, Any]:
        """The task as a JSON object."""
        return asdict(self)

    @property
    def marker(self) -> str:
        """The name that the run's processes carry in their environment."""
        return f"{self.run_id}.{self.attempt}"


@dataclass(frozen=True)
class LaunchPlan:
    """A launcher's part of a task: the way to ask for a machine, and the values that differ there."""

    #: keys of the attempt's parameters that are a plan's, not a task's
    KEYS: ClassVar = frozenset({"launch", "region", "hourly", "signature"})

    #: the whole request for a machine; None of a launcher without machines
    launch: dict[str, Any] | None = None
    region: str | None = None
    #: True when its machines cost money
    paid: bool = False
    #: dollars for an hour, as a decimal; None while no price is known
    hourly: str | None = None
    #: fields of the task that are different there
    task_changes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Self:
        """The plan that is frozen in an attempt's parameters.  Raises OtherTaskVersion."""
        _check_version(parameters)
        return cls(
            launch=parameters.get("launch"),
            region=parameters.get("region"),
            paid="hourly" in parameters,
            hourly=parameters.get("hourly"),
        )


def freeze(task: WorkerTask, plan: LaunchPlan) -> dict[str, Any]:
    """The attempt's parameters, as JSON: the task as it is with that plan, and the plan."""
    parameters = replace(task, **plan.task_changes).document()
    if plan.launch is not None:
        parameters |= {"launch": plan.launch, "region": plan.region}
    # also without a price: that it costs is known
    return parameters | ({"hourly": plan.hourly} if plan.paid else {})


def frozen_region(parameters: Mapping[str, Any]) -> str | None:
    """The region that is frozen in an attempt's parameters of any version; None where there is none.

    A service finds and ends the machine of an attempt also where it doesn't understand the task.
    """
    region = parameters.get("region")
    return region if isinstance(region, str) else None


def frozen_task(parameters: Mapping[str, Any]) -> WorkerTask:
    """The task that is frozen in an attempt's parameters.  Raises OtherTaskVersion and TaskRefused."""
    return WorkerTask.of({key: value for key, value in parameters.items() if key not in LaunchPlan.KEYS})


def _check_version(document: Mapping[str, Any]) -> None:
    if not isinstance(document, Mapping):
        raise TaskRefused("A task is a JSON object.")
    if (version := document.get("version", "unknown")) != TASK_VERSION:
        raise OtherTaskVersion(version)


def _object(part: object) -> Mapping[str, Any]:
    if isinstance(part, _Document):
        return asdict(part)
    if not isinstance(part, Mapping):
        raise TaskRefused("A part of the task isn't a JSON object.")
    return part
