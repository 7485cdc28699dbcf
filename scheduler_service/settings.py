"""The settings of an operator, in a TOML file; without one the service takes those of the embedded default."""

import os
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from jupyter_schedule.core.config import (
    SETTINGS,
    Bytes,
    Count,
    DeploymentConfig,
    check_public_folder,
    find_launchers,
    read_settings,
    wrong_settings,
)
from jupyter_schedule.core.data_paths import DataPaths, default_data_paths
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import LOCAL_LAUNCHER, ConcurrencyLimits
from jupyter_schedule.core.text import listed
from scheduler_service.launchers.ec2.settings import Ec2Settings
from scheduler_service.launchers.plugins import LauncherSettings, load_plugin
from scheduler_service.retention.rules import RetentionRule


class RunLimits(BaseModel):
    """The most that one run may use of this machine; without a setting, as much as there is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: bytes, or such as "4 GiB"
    memory: Bytes | None = Field(default=None, ge=16 * 1024 * 1024)
    #: cores, or parts of one
    cpus: float | None = Field(default=None, ge=0.1, le=10_000, strict=True, allow_inf_nan=False)
    #: what it may write into its output folder
    output: Bytes | None = Field(default=None, ge=1)


class Retention(BaseModel):
    """The rules for keeping files of schedules that set none themselves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: the newest runs of each schedule
    keep_runs: Count = 30
    #: and every run for so many days
    keep_days: int = Field(default=90, ge=0, le=36_500, strict=True)

    @property
    def keep(self) -> RetentionRule:
        """The same, as it is decided by."""
        return RetentionRule(self.keep_runs, self.keep_days)


class Settings(DeploymentConfig):
    """The service's settings: what every door reads, and what the service alone needs."""

    #: the ledger unless `store` is set, the work area, the lock and the workers' scratch folders are here; without it
    #: `schedule` in Jupyter's data folder
    folder: Path = Field(default_factory=lambda: default_data_paths().folder)
    #: runs that may go at once
    max_running: Count = 4
    #: of them, of one owner
    max_per_owner: Count | None = None
    #: of them, by the name of a launcher
    max_per_launcher: dict[str, Count] = Field(default_factory=dict)
    #: what one run on this machine may use
    limits: RunLimits = RunLimits()
    #: the least that a count may be in what becomes public
    smallest_cell: Count = 5
    #: how long files are kept
    retention: Retention = Retention()
    #: the tables of launchers, by their names: `[ec2]`, `[slurm]` or that of another package
    _launchers: dict[str, LauncherSettings] = PrivateAttr(default_factory=dict)
    #: of launchers that have a table and can't be used, a sentence each
    _broken: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def launchers(self) -> Mapping[str, LauncherSettings]:
        """The settings of the launchers beside `local`, by their names."""
        return self._launchers

    @property
    def broken_launchers(self) -> Mapping[str, str]:
        """A sentence for each launcher that has a table and can't be used; the others go on without it."""
        return self._broken

    @property
    def runs_here(self) -> bool:
        """True where runs may take place beside the service: they have the rights of its account.

        Many who share the ledger by way of a server get these rights only where an operator says so.
        """
        return self.server is None or self.server.local_runs

    @property
    def ec2(self) -> Ec2Settings | None:
        """The part [ec2]; None where there is none."""
        found = self._launchers.get("ec2")
        return found if isinstance(found, Ec2Settings) else None

    @property
    def machines(self) -> Ec2Settings:
        """The part [ec2].  Raises Refused `no_machines` where there is none."""
        if self.ec2 is None:
            raise Refused("no_machines", "The settings have no part [ec2], so there are no machines of ours.")
        return self.ec2

    @property
    def room(self) -> ConcurrencyLimits:
        """The most runs that may go at once."""
        limits = dict(self.max_per_launcher)
        for name, settings in self._launchers.items():
            if settings.most_runs is not None:
                limits[name] = min(settings.most_runs, limits.get(name, settings.most_runs))
        return ConcurrencyLimits(total=self.max_running, per_owner=self.max_per_owner, per_launcher=limits)

    def _read_launcher(self, path: Path, name: str, table: Any, known: Mapping[str, EntryPoint]) -> None:
        try:
            plugin = load_plugin(name, known)
        except Refused as refusal:
            self._broken[name] = refusal.message
            return
        try:
            settings = plugin.settings.model_validate(table)
        except ValidationError as problem:
            raise wrong_settings(path, problem, plugin.settings, table=name) from None
        try:
            settings.check_work_storage(self.storage.work)
        except ValueError as problem:
            raise Refused("settings_wrong", f"{path}: {name}: {problem}.") from None
        self._launchers[name] = settings

    @property
    def places(self) -> DataPaths:
        """The folder and the store of this deployment."""
        return DataPaths(self.folder.absolute(), self.store)


def load_settings(path: Path | None, folder: Path | None = None) -> Settings:
    """The settings in a file, else those in `service.toml` of the folder with the ledger, else the defaults.

    folder: stands for the one that the settings name.  Raises Refused with a sentence for each thing that is wrong.
    """
    inside = (folder or default_data_paths().folder) / SETTINGS
    if path is None and inside.exists():
        path = inside
    given = {} if path is None else read_settings(path)
    known = find_launchers() if given.keys() - Settings.model_fields.keys() or "max_per_launcher" in given else {}
    tables = {name: given.pop(name) for name in list(given) if name in known and name not in Settings.model_fields}
    try:
        settings = Settings.model_validate(given)
    except ValidationError as problem:
        assert path is not None
        raise wrong_settings(path, problem, Settings, known.keys()) from None
    settings = settings.model_copy(update={"folder": folder}) if folder else settings
    for name, table in tables.items():
        assert path is not None
        settings._read_launcher(path, name, table, known)
    for name in settings.max_per_launcher.keys() - {LOCAL_LAUNCHER, *tables}:
        names = listed(sorted({LOCAL_LAUNCHER, *tables}), "or")
        raise Refused("settings_wrong", f"{path}: max_per_launcher.{name}: there is no such launcher, only {names}.")
    check_public_folder(settings.storage, settings.places.folder)
    return settings


def show_to_doors(path: Path, folder: Path) -> None:
    """Let `service.toml` in the folder be the settings that the service runs with: every door reads them there.

    Raises Refused `two_settings` when other settings are there.
    """
    inside = folder / SETTINGS
    if inside.exists() and inside.resolve() == path.resolve():
        return
    if inside.exists() and not inside.is_symlink():
        message = f"There are two settings, {path} and {inside}: keep the second, which every door reads, or remove it."
        raise Refused("two_settings", message)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    link = inside.with_name(f".{SETTINGS}-{os.getpid()}")
    link.symlink_to(path.resolve())
    link.replace(inside)
