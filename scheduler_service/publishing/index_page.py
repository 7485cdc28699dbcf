"""The page of a publication: what a person sees who opens its address.

It stands by itself (no scripts, nothing from elsewhere) and links relatively, so that it works from a folder, an
object store or behind a server.  Names are data: escaped where they are shown, URL-quoted where they lead.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined, Template

from jupyter_schedule.core.models import utc_text
from jupyter_schedule.core.text import short_date, size_text
from scheduler_service.publishing.manifest import DataIndex, Latest, Manifest, ManifestFile

#: runs on the page; the newest
SHOWN_RUNS = 30
#: files of data/ on the page, and of each run; more would be a page that nobody reads
SHOWN_FILES = 200
#: pictures on the page
SHOWN_PICTURES = 12
_PICTURES = {".png", ".svg", ".jpg", ".jpeg", ".gif", ".webp"}


@dataclass(frozen=True)
class _PageTime:
    """A run's time, in UTC."""

    moment: datetime

    @property
    def machine(self) -> str:
        return utc_text(self.moment)

    @property
    def date(self) -> str:
        return f"{short_date(self.moment)} {self.moment.year}"

    @property
    def text(self) -> str:
        return f"{self.date}, {self.moment:%H:%M}"


@dataclass(frozen=True)
class _PageFile:
    name: str
    href: str
    size: str
    due: _PageTime


@dataclass(frozen=True)
class _PageRun:
    due: _PageTime
    summary: str
    files: list[_PageFile]
    more_files: int
    manifest: str


def render_index_page(name: str, latest: Latest | None, data_index: DataIndex, runs: Sequence[Manifest]) -> str:
    """The HTML of the publication `name`; `runs` are the newest ones, newest first.

    The files of data/ stand newest first, then by name; those that a browser shows as pictures are shown.
    """
    newest_first = sorted(
        sorted(data_index.files.items()),
        key=lambda item: item[1].scheduled_for,
        reverse=True,
    )
    files = [
        _file(path, f"data/{quote(path)}", entry.size, entry.scheduled_for)
        for path, entry in newest_first[:SHOWN_FILES]
    ]
    pictures = [file for file in files if PurePosixPath(file.name).suffix.lower() in _PICTURES]
    return _template().render(
        name=name,
        latest=None if latest is None else _PageTime(latest.scheduled_for),
        files=files,
        more_files=len(newest_first) - len(files),
        pictures=pictures[:SHOWN_PICTURES],
        runs=[_run(manifest) for manifest in runs[:SHOWN_RUNS]],
    )


def _run(manifest: Manifest) -> _PageRun:
    count = len(manifest.files)
    total = size_text(sum(file.size for file in manifest.files))
    return _PageRun(
        due=_PageTime(manifest.scheduled_for),
        summary=f"{count} {'file' if count == 1 else 'files'}, {total}" if count else "no files",
        files=list(_files_of(manifest, manifest.files[:SHOWN_FILES])),
        more_files=max(0, count - SHOWN_FILES),
        manifest=f"{manifest.folder}/manifest.json",
    )


def _files_of(manifest: Manifest, files: Iterable[ManifestFile]) -> Iterable[_PageFile]:
    for file in files:
        href = f"{manifest.folder}/files/{quote(file.path)}"
        yield _file(file.path, href, file.size, manifest.scheduled_for)


def _file(path: str, href: str, size: int, due: datetime) -> _PageFile:
    return _PageFile(name=_shown(path), href=href, size=size_text(size), due=_PageTime(due))


def _shown(path: str) -> str:
    """`path` on one line, with everything that can't be seen made visible."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in path)


@cache
def _template() -> Template:
    source = Path(__file__).with_name("index_page.html.j2").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(source)
