"""The page of a publication: what it shows, where it leads, and that names on it are inert."""

from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from jupyter_schedule.core.models import Trigger
from scheduler_service.publishing.index_page import SHOWN_FILES, SHOWN_PICTURES, SHOWN_RUNS, render_index_page
from scheduler_service.publishing.manifest import DataEntry, DataIndex, Latest, Manifest, ManifestFile
from tests.factories import NOON

HOSTILE = [
    "<img src=x onerror=alert(1)>.csv",
    '"><script>alert(1)</script>.png',
    "' onmouseover='alert(1).svg",
    "javascript:alert(1)",
    "{{ 7 * 7 }}.csv",
    "a b?c#d%e&amp;.csv",
    "line\nbreak.csv",
    "\u202egnp.exe",
    "übung/数据.csv",
]


class Parsed(HTMLParser):
    """Tags, attributes and text of a page, and what's left open."""

    VOID = frozenset({"meta", "img"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.pieces: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.pieces.append(data)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def all(self, tag: str, attribute: str) -> list[str]:
        return [attributes[attribute] or "" for name, attributes in self.tags if name == tag]


def entry(day: int = 0, size: int = 12_345) -> DataEntry:
    due = NOON + timedelta(days=day)
    return DataEntry(size=size, sha256="0" * 64, scheduled_for=due, run_queued=0, run=f"{day:08x}-run")


def index(files: dict[str, DataEntry] | None = None) -> DataIndex:
    return DataIndex(schedule="flights", files=files or {})


def manifest(day: int = 0, sizes: dict[str, int] | None = None, **changes: Any) -> Manifest:
    due = NOON + timedelta(days=day)
    plain: dict[str, Any] = {
        "run": f"{day:08x}-run",
        "schedule": "flights",
        "version": 1,
        "trigger": Trigger.SCHEDULE,
        "scheduled_for": due,
        "data_interval_start": due - timedelta(days=1),
        "data_interval_end": due,
        "run_queued": 0,
        "started_at": due,
        "ended_at": due,
        "published_at": due,
        "files": tuple(
            ManifestFile(path=path, size=size, sha256="0" * 64, content_type="text/csv")
            for path, size in (sizes or {}).items()
        ),
    }
    return Manifest(**plain | changes)


def test_before_anything_is_published_it_says_so() -> None:
    page = Parsed(render_index_page("flights", None, index(), []))
    assert "Nothing is published yet: files appear here when the first run has succeeded." in page.text
    assert "Last update" not in page.text
    assert "Last runs" not in page.text


def test_it_shows_the_last_update_the_files_and_the_runs() -> None:
    newest = manifest(1, {"weekly.csv": 1_250_000, "1.csv": 12_345})
    page = Parsed(
        render_index_page(
            "flights",
            Latest.of(newest, "file:///x"),
            index({"weekly.csv": entry(1, 1_250_000), "1.csv": entry(1), "0.csv": entry(0, 7)}),
            [newest, manifest(0, {"0.csv": 7})],
        )
    )
    words = " ".join(" ".join(page.pieces).split())

    assert "Last update: Wed 25 Nov 2026, 12:00 UTC" in words
    rows = "1.csv 12 kB Wed 25 Nov 2026 weekly.csv 1.2 MB Wed 25 Nov 2026 0.csv 7 B Tue 24 Nov 2026"
    assert rows in words
    assert "Wed 25 Nov 2026, 12:00 UTC · 2 files, 1.3 MB" in words
    assert "Tue 24 Nov 2026, 12:00 UTC · 1 file, 7 B" in words
    assert page.all("time", "datetime") == ["2026-11-25T12:00:00Z"]


def test_every_link_is_relative_and_leads_to_the_file() -> None:
    sizes = dict.fromkeys(HOSTILE, 5)
    page = Parsed(render_index_page("flights", None, index(dict.fromkeys(HOSTILE, entry())), [manifest(0, sizes)]))
    base = "https://results.example/flights/index.html"

    reached = {urlsplit(urljoin(base, href)) for href in page.all("a", "href")}

    folder = "/flights/runs/20261124T120000Z-00000000"
    assert {(address.scheme, address.netloc) for address in reached} == {("https", "results.example")}
    assert {unquote(address.path) for address in reached} == (
        {f"/flights/data/{name}" for name in HOSTILE}
        | {f"{folder}/files/{name}" for name in HOSTILE}
        | {f"{folder}/manifest.json", "/flights/latest.json", "/flights/data.json"}
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_shown_and_nothing_else(name: str) -> None:
    """The page has the same tags and attributes as with a harmless name, so nothing in the name took effect."""

    def page_of(path: str) -> Parsed:
        return Parsed(render_index_page("flights", None, index({path: entry()}), [manifest(0, {path: 1})]))

    suffix = name[name.rindex(".") :] if name.endswith((".png", ".svg")) else ".csv"
    page, harmless = page_of(name), page_of(f"harmless{suffix}")

    assert [(tag, list(attributes)) for tag, attributes in page.tags] == [
        (tag, list(attributes)) for tag, attributes in harmless.tags
    ]
    assert page.open == []
    assert "".join(letter if letter.isprintable() else "\ufffd" for letter in name) in page.text


def test_nothing_is_loaded_from_elsewhere_and_no_script_can_run() -> None:
    page = Parsed(render_index_page("flights", None, index({"plot.png": entry()}), []))

    policy = next(a["content"] for tag, a in page.tags if tag == "meta" and a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src 'self'")
    assert {"script", "link", "iframe"}.isdisjoint(tag for tag, _ in page.tags)
    assert page.all("html", "lang") == ["en"]


@pytest.mark.parametrize("name", ["plot.png", "plot.PNG", "map.svg", "photo.jpg", "photo.jpeg", "deep/er/plot.png"])
def test_pictures_are_shown(name: str) -> None:
    page = Parsed(render_index_page("flights", None, index({name: entry(), "table.csv": entry()}), []))
    assert page.all("img", "src") == [f"data/{name}"]
    assert page.all("img", "alt") == [name]


def test_a_long_history_stays_a_short_page() -> None:
    many = {f"{number:04}.png": entry(number) for number in range(SHOWN_FILES + 7)}
    long = manifest(0, dict.fromkeys(many, 1))

    page = Parsed(render_index_page("flights", None, index(many), [long] * (SHOWN_RUNS + 1)))

    newest = f"{SHOWN_FILES + 6:04}.png"
    assert page.all("a", "href").count(f"data/{newest}") == 2  # the picture and its name
    assert "and 7 older:" in page.text
    assert page.text.count("and 7 more") == SHOWN_RUNS
    assert len(page.all("img", "src")) == SHOWN_PICTURES
    assert page.all("img", "src")[0] == f"data/{newest}"


def test_a_run_without_files_says_so() -> None:
    page = Parsed(render_index_page("flights", None, index(), [manifest()]))
    assert "· no files" in page.text
