"""The documents for people point at what is there."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("examples/*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_inside_the_project_lead_somewhere(document: Path) -> None:
    """A relative link names a file or folder beside its document."""
    links = [link for link in LINK.findall(document.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_each_threat_in_the_table_names_a_test_that_there_is() -> None:
    rows = re.findall(
        r"^\| .* \| `([\w/.]+)::(\w+)` \|$", (ROOT / "SECURITY.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(rows) >= 20
    assert [name for file, name in rows if f"def {name}(" not in (ROOT / file).read_text(encoding="utf-8")] == []


def test_files_that_commands_name_exist() -> None:
    """Every path below examples/ that a document tells people to use is one."""
    named = {
        path
        for document in DOCUMENTS
        for path in re.findall(r"(?<![\w/(])examples/[\w./-]*\w", document.read_text(encoding="utf-8"))
    }
    assert {"examples/flights/flights.ipynb", "examples/word-count/make_tarball.sh"} <= named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_picture_needs_nothing_from_elsewhere() -> None:
    """It is well-formed, has a text for those who can't see it, and loads no font, image or script."""
    picture = (ROOT / "docs" / "picture.svg").read_text(encoding="utf-8")
    tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(picture).iter()}
    assert {"title", "desc"} <= tags
    assert not tags & {"image", "script", "use", "foreignObject"}
    assert not re.search(r"href|url\(|@import", picture)
