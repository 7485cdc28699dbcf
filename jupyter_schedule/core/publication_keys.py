"""The keys of a publication's parts in its area.  Standard library only.

<name>/data/…                               the stable address: same names replaced, others kept
<name>/data.json                            what is in data/, and which run wrote it
<name>/runs/<YYYYMMDDTHHMMSSZ>-<run8>/      files/… and manifest.json, written last; immutable
<name>/latest.json                          points at the newest complete run
<name>/index.html                           a page for people
"""

from dataclasses import dataclass

from jupyter_schedule.core.storage.factory import ObjectStorage


@dataclass(frozen=True)
class PublicationKeys:
    """The keys of one schedule's publication; those that end in `/` are prefixes."""

    name: str

    @property
    def data(self) -> str:
        """The stable address: all that was ever published, by name."""
        return f"{self.name}/data/"

    @property
    def data_index(self) -> str:
        """Size, digest and writer of every file under `data`."""
        return f"{self.name}/data.json"

    @property
    def latest(self) -> str:
        """The pointer to the newest complete run."""
        return f"{self.name}/latest.json"

    @property
    def page(self) -> str:
        """The page for people."""
        return f"{self.name}/index.html"

    @property
    def recent(self) -> str:
        """The newest complete runs."""
        return f"{self.name}/runs.json"

    @property
    def runs(self) -> str:
        """The folders of all runs."""
        return f"{self.name}/runs/"

    def manifest(self, folder: str) -> str:
        """The manifest, which says that the run in `folder` (as `run_folder` gives it) is complete."""
        return f"{self.name}/{folder}/manifest.json"

    def run_files(self, folder: str) -> str:
        """The files of the run in `folder`, at addresses that never change their content."""
        return f"{self.name}/{folder}/files/"

    def run_report(self, folder: str) -> str:
        """The run's executed notebook and log, where they are published too."""
        return f"{self.name}/{folder}/report/"


def run_folder(scheduled_for: str, run_id: str) -> str:
    """`runs/20261124T120000Z-1f0c9a2b` of a run due at `2026-11-24T12:00:00Z`: sorted by name is sorted by time."""
    stamp = scheduled_for.replace("-", "").replace(":", "")
    return f"runs/{stamp}-{run_id[:8]}"


def is_published(area: ObjectStorage, name: str) -> bool:
    """True if anything stands at the stable address of `name`, so that the name can't go to somebody else."""
    keys = PublicationKeys(name)
    return area.size(keys.data_index) is not None or area.size(keys.latest) is not None
