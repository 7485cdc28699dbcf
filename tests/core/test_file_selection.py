"""Which files a pattern brings in, which stay out and why, and where the bundle's root is."""

import os
from pathlib import Path

import pytest

from jupyter_schedule.core.credential_files import CLUTTER, CREDENTIALS, HISTORY, PRIVATE_KEY
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.file_selection import bundle_root, expand_patterns

FILES = (
    "report.ipynb",
    "data/a.csv",
    "data/b.csv",
    "data/sub/c.csv",
    "data/.hidden.csv",
    "data/.env",
    "data[1].csv",
    "utils/__pycache__/x.pyc",
    "utils/x.py",
    ".git/config",
    ".aws/credentials",
    "key.pem",
    "node_modules/pkg/y.csv",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with data, code, version history and credentials."""
    root = tmp_path / "root"
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


@pytest.mark.parametrize(
    ("pattern", "files"),
    [
        ("report.ipynb", ["report.ipynb"]),
        ("./report.ipynb", ["report.ipynb"]),
        ("data/*.csv", ["data/a.csv", "data/b.csv"]),
        ("data/?.csv", ["data/a.csv", "data/b.csv"]),
        ("data/[a].csv", ["data/a.csv"]),
        ("data[1].csv", ["data[1].csv"]),
        ("**/*.csv", ["data/a.csv", "data/b.csv", "data/sub/c.csv", "data[1].csv"]),
        ("data/**", ["data/a.csv", "data/b.csv", "data/sub/c.csv"]),
        ("data/**/c.csv", ["data/sub/c.csv"]),
        ("*/sub", ["data/sub/c.csv"]),
        ("data", ["data/.hidden.csv", "data/a.csv", "data/b.csv", "data/sub/c.csv"]),
        ("data/", ["data/.hidden.csv", "data/a.csv", "data/b.csv", "data/sub/c.csv"]),
        ("data/.h*", ["data/.hidden.csv"]),
        ("utils", ["utils/x.py"]),
        ("key.pem", ["key.pem"]),
        (".aws/credentials", [".aws/credentials"]),
    ],
)
def test_a_pattern_stands_for_files(pattern: str, files: list[str], root: Path) -> None:
    """Names, folders and globs as in a shell; folders whole; a name that exists is that file even with brackets."""
    assert expand_patterns(root, [pattern]).files == files


def test_patterns_add_up_without_doubles(root: Path) -> None:
    """Order and overlap of patterns don't matter."""
    assert expand_patterns(root, ["data/b.csv", "data/*.csv"]) == expand_patterns(
        root, ["data/*.csv", "data/b.csv", "data/b.csv"]
    )


def test_what_stays_out_is_reported_with_the_reason(root: Path) -> None:
    """Everything the project's own folder brings in but mustn't, whole folders as one line."""
    selection = expand_patterns(root, ["."])
    assert dict(selection.left_out) == {
        ".aws/": CREDENTIALS,
        ".git/": HISTORY,
        "data/.env": CREDENTIALS,
        "key.pem": PRIVATE_KEY,
        "node_modules/": CLUTTER,
        "utils/__pycache__/": CLUTTER,
    }
    assert selection.files == [
        "data/.hidden.csv",
        "data/a.csv",
        "data/b.csv",
        "data/sub/c.csv",
        "data[1].csv",
        "report.ipynb",
        "utils/x.py",
    ]


def test_two_stars_pass_denied_folders_by(root: Path) -> None:
    """They may hold a hundred thousand files that nobody meant: they aren't entered, and that isn't worth a line."""
    assert expand_patterns(root, ["**/*.csv"]).left_out == []


def test_naming_a_file_exactly_beats_the_deny_list(root: Path) -> None:
    """Named and matched, it is in and no longer reported as left out."""
    assert expand_patterns(root, ["*.pem", "key.pem"]) == (["key.pem"], [])
    assert expand_patterns(root, ["*.pem"]) == ([], [("key.pem", PRIVATE_KEY)])


@pytest.mark.parametrize("pattern", ["*.parquet", "nowhere", "data/x.csv", "report.ipynb/*", "nowhere/**", "*/*/*/*"])
def test_a_pattern_without_a_match_is_refused_by_name(pattern: str, root: Path) -> None:
    """A slip of the pen never becomes a bundle that lacks a file."""
    with pytest.raises(Refused) as refused:
        expand_patterns(root, ["report.ipynb", pattern])
    assert refused.value.code == "no_match"
    assert f"“{pattern}”" in refused.value.message


@pytest.mark.parametrize("pattern", ["/etc/passwd", "../x", "data/../../x", "~/x"])
def test_a_pattern_never_leaves_the_root(pattern: str, root: Path) -> None:
    """Absolute patterns and `..` are refused; a tilde is an ordinary letter."""
    with pytest.raises(Refused) as refused:
        expand_patterns(root, [pattern])
    assert refused.value.code == ("no_match" if pattern.startswith("~") else "outside_root")


def test_links_are_listed_when_they_stay_inside(root: Path) -> None:
    """A link to a folder isn't entered; links out, round and to keys, and dangling ones are left out."""
    for name, target in {"in": "a.csv", "folder": "sub", "out": "../../x", "gone": "nothing"}.items():
        (root / "data" / name).symlink_to(target)
    (root / "data" / "absolute").symlink_to(root / "report.ipynb")
    (root.parent / "x").write_text("secret")
    os.mkfifo(root / "data" / "pipe")
    selection = expand_patterns(root, ["data/*"])
    assert selection.files == ["data/a.csv", "data/absolute", "data/b.csv", "data/folder", "data/in", "data/sub/c.csv"]
    assert dict(selection.left_out) == {
        "data/gone": "a link that leads nowhere",
        "data/out": "a link that leads outside",
        "data/pipe": "neither a file nor a folder",
    }


def test_too_many_files_are_refused(root: Path) -> None:
    """A home folder chosen by mistake isn't read to its end."""
    with pytest.raises(Refused, match="more than 3 files") as refused:
        expand_patterns(root, ["data"], 3)
    assert refused.value.code == "too_many"


@pytest.mark.parametrize(
    ("files", "folder"),
    [
        (["work/a.ipynb"], "work"),
        (["work/a.ipynb", "work/data/x.csv"], "work"),
        (["work/a.ipynb", "data/x.csv"], "."),
        (["work/nb/a.ipynb", "work/nb/../data/x.csv"], "work"),
        (["work/a.ipynb", "workshop/x.csv"], "."),
    ],
)
def test_the_bundle_root_is_the_lowest_common_folder(files: list[str], folder: str, tmp_path: Path) -> None:
    """Of whole folder names, with `..` worked out."""
    assert bundle_root([tmp_path / file for file in files], tmp_path) == tmp_path / folder


def test_the_bundle_root_is_found_through_a_linked_home(tmp_path: Path) -> None:
    """A file written by its real path belongs to a server root that is written by a link, and the other way round."""
    real, linked = tmp_path / "real", tmp_path / "linked"
    (real / "work").mkdir(parents=True)
    linked.symlink_to(real)
    assert bundle_root([real / "work" / "a.ipynb"], linked) == linked / "work"
    assert bundle_root([linked / "work" / "a.ipynb"], real) == real / "work"


@pytest.mark.parametrize("file", ["../x.csv", "/etc/passwd", "work/../../x"])
def test_a_file_outside_the_server_root_is_refused(file: str, tmp_path: Path) -> None:
    """Jupyter's root is what a schedule may take from."""
    with pytest.raises(Refused) as refused:
        bundle_root([tmp_path / "a.ipynb", tmp_path / file], tmp_path)
    assert refused.value.code == "outside_root"


def test_no_files_have_no_root(tmp_path: Path) -> None:
    """Nothing chosen is refused with a sentence, not with an error of os.path."""
    with pytest.raises(Refused, match="Nothing was chosen"):
        bundle_root([], tmp_path)
