"""A request becomes a bundle and a spec."""

import ast
import gc
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.core.bundles import archive, stored
from jupyter_schedule.core.bundles.packaging import (
    BuiltBundle,
    PackagingRequest,
    build_bundle,
    prepare_bundle,
)
from jupyter_schedule.core.bundles.stored import build_spec
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.host import Host
from jupyter_schedule.core.models import EnvironmentSource, Kernel, Timing
from jupyter_schedule.core.notebooks.kernels import find_kernel
from jupyter_schedule.core.object_keys import bundle_key, bundle_of
from jupyter_schedule.core.storage.factory import LocalStorage
from tests.engine import DAILY, notebook_of


class Desk:
    """A folder that Jupyter serves, with a notebook in a sub-folder, and a work area."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.objects = LocalStorage(folder / "objects")
        self.notebook = self.write("work/report.ipynb", json.dumps(notebook_of("print(1)")))

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def cells(self, *cells: str, **more: Any) -> None:
        self.notebook.write_text(json.dumps(notebook_of(*cells, **more)))

    def preview(self, **changes: Any) -> BuiltBundle:
        plain: dict[str, Any] = {"timing": DAILY, "notebook": self.notebook}
        return build_bundle(PackagingRequest(**plain | changes), self.root, self.objects)

    def unpacked(self, made: BuiltBundle, into: Path) -> Path:
        packed = into.with_suffix(".tar.gz")
        self.objects.fetch(bundle_key(made.spec.bundle), packed)
        archive.unpack(packed, into, expected_digest=made.spec.bundle)
        return into


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_what_the_notebook_uses_goes_along_and_its_own_folder_stays_where_it_is(desk: Desk, tmp_path: Path) -> None:
    desk.write("data/bikes.csv", "a")
    desk.write("work/helper.py", "x = 1")
    desk.cells("import helper", "open('../data/bikes.csv')")

    made = desk.preview()

    assert [file.path for file in made.files] == ["data/bikes.csv", "work/helper.py", "work/report.ipynb"]
    assert made.spec.notebook == "work/report.ipynb"
    folder = desk.unpacked(made, tmp_path / "unpacked")
    assert (folder / "run.sh").stat().st_mode & 0o111
    assert (folder / "data/bikes.csv").read_text() == "a"
    assert "ipykernel" in (folder / ".wrapper/requirements.txt").read_text()


def test_the_same_request_gives_the_same_bundle_and_stores_it_once(desk: Desk) -> None:
    assert desk.preview().spec.bundle == desk.preview().spec.bundle
    assert [stored.key.rpartition(".")[2] for stored in desk.objects.list("bundles/")] == ["json", "gz"]


def test_a_file_that_the_notebook_uses_stays_out_when_the_person_says_so(desk: Desk) -> None:
    desk.write("work/big.csv", "a")
    desk.cells("open('big.csv')")
    made = desk.preview(left_out=("work/big.csv",))
    assert [file.path for file in made.files] == ["report.ipynb"]
    assert (made.spec.source, made.spec.left_out) == ("work/report.ipynb", ("work/big.csv",))


def test_naming_a_file_counts_more_than_leaving_it_out(desk: Desk) -> None:
    desk.write("work/big.csv", "a")
    made = desk.preview(left_out=("work/big.csv",), files=("work/*.csv",))
    assert "big.csv" in [file.path for file in made.files]
    assert made.spec.files == ("work/*.csv",)


def test_other_parameters_are_another_bundle(desk: Desk) -> None:
    desk.cells("month", parameters="month = 3")
    assert desk.preview().spec.bundle != desk.preview(parameter_texts={"month": "4"}).spec.bundle


def test_what_is_missing_is_said_and_blocks_nothing(desk: Desk) -> None:
    desk.cells("open('lookup.csv')", "import no_such_module_anywhere")
    warnings = " ".join(desk.preview().warnings)
    assert "lookup.csv (cell 1) is not found; fine if the notebook creates it." in warnings
    assert "no_such_module_anywhere" in warnings


def test_credentials_stay_out_of_a_folder_and_go_in_when_they_are_named(desk: Desk) -> None:
    desk.write("work/conf/.env", "SECRET=1")
    desk.write("work/conf/plain.txt", "1")
    by_folder = desk.preview(files=("work/conf",))
    by_name = desk.preview(files=("work/conf/.env",))

    assert "work/conf/.env" not in [f"work/{file.path}" for file in by_folder.files]
    assert any(".env is left out" in warning for warning in by_folder.warnings)
    assert "conf/.env" in [file.path for file in by_name.files]


def test_a_notebook_of_text_is_packed_as_the_notebook_that_it_is(desk: Desk, tmp_path: Path) -> None:
    """Beside the text; an older notebook of that name, its pair, isn't what runs."""
    text = desk.write("work/report.py", "# %%\nprint('from text')\n")
    made = desk.preview(notebook=text, files=("work/report.ipynb",))
    assert (made.spec.notebook, made.spec.source) == ("report.ipynb", "work/report.py")
    folder = desk.unpacked(made, tmp_path / "unpacked")
    assert "from text" in (folder / "report.ipynb").read_text()
    assert (folder / "report.py").read_text() == text.read_text()
    assert (
        stored.build_spec(
            PackagingRequest(timing=DAILY, notebook=text), desk.root, desk.objects, made.spec.bundle
        ).notebook
        == "report.ipynb"
    )


@pytest.mark.parametrize(
    ("place", "packed"),
    [("work/apt.txt", ["apt.txt", "report.ipynb"]), ("apt.txt", ["apt.txt", "work/report.ipynb"])],
)
def test_the_nearest_list_of_debian_packages_goes_along(place: str, packed: list[str], desk: Desk) -> None:
    """Without being asked for, where a run looks for it."""
    desk.write(place, "graphviz")
    made = desk.preview()
    assert [file.path for file in made.files] == packed
    assert made.warnings == ()
    assert [file.path for file in desk.preview(left_out=(place,)).files] == ["report.ipynb"]


def test_debian_packages_are_read_at_the_bundles_root(desk: Desk, tmp_path: Path) -> None:
    """Also where the list is beside the notebook and the bundle begins higher up."""
    desk.write("work/apt.txt", "graphviz")
    desk.write("data.csv", "a")
    desk.cells("open('../data.csv')")
    folder = desk.unpacked(desk.preview(), tmp_path / "unpacked")
    assert (folder / "apt.txt").read_text() == "graphviz"


def test_wheels_of_a_fresh_environment_go_along_with_their_address(desk: Desk, tmp_path: Path) -> None:
    """Relative to the requirements of the bundle, wherever it begins."""
    desk.write("work/requirements.txt", "--find-links ../wheels\nfoo==1.0\ngit+https://example.com/lib.git")
    desk.write("wheels/foo-1.0-py3-none-any.whl", "x")
    folder = desk.unpacked(desk.preview(environment="fresh"), tmp_path / "unpacked")
    assert (folder / "wheels/foo-1.0-py3-none-any.whl").exists()
    assert (folder / "work/requirements.txt").exists()
    lines = (folder / ".wrapper/requirements.txt").read_text().splitlines()
    assert {"--find-links ../wheels", "foo==1.0", "git+https://example.com/lib.git"} <= set(lines)
    plain = desk.unpacked(desk.preview(), tmp_path / "plain")
    assert "--find-links" not in (plain / ".wrapper/requirements.txt").read_text()


def test_credentials_in_requirements_refuse_a_fresh_environment_only(desk: Desk) -> None:
    """The kernel's own environment needs no package from anywhere."""
    desk.write("work/requirements.txt", "--index-url https://me:secret@example.org/simple\nsix")
    with pytest.raises(Refused, match="has a password or token in its address") as refused:
        desk.preview(environment="fresh")
    assert (refused.value.code, refused.value.field) == ("credentials_in_requirements", "environment")
    assert any("has a password or token" in warning for warning in desk.preview().warnings)


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"kernel": "julia-9.9"}, "kernel_missing", "kernel"),
        ({"files": ("nothing*.csv",)}, "no_match", "files"),
        ({"output_dir": "../elsewhere"}, "bad_output_dir", "output_dir"),
        ({"output_dir": "/etc"}, "bad_output_dir", "output_dir"),
        ({"parameter_texts": {"month": "4"}}, "no_parameters_cell", "parameters"),
        ({"timing": Timing(cron="30 2 30 2 *")}, "never_matches", "cron"),
        ({"notebook": None}, "nothing_to_schedule", "notebook"),
        ({"files": ("work/.wrapper/x",)}, "reserved_name", "files"),
    ],
)
def test_what_cannot_be_scheduled_is_refused_at_its_field_and_keeps_no_bundle(
    desk: Desk, changes: dict[str, Any], code: str, field: str
) -> None:
    desk.write("work/.wrapper/x", "mine")
    with pytest.raises(Refused) as refused:
        desk.preview(**changes)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert list(desk.objects.list()) == []


class Opened:
    """Counts how often each file is opened in this process."""

    counts: Counter[str] | None = None

    @classmethod
    def hear(cls, event: str, arguments: tuple[object, ...]) -> None:
        if cls.counts is not None and event == "open":
            cls.counts[str(arguments[0])] += 1


# an audit hook can't be taken away again
sys.addaudithook(Opened.hear)


def test_a_preview_reads_the_notebook_once_and_parses_each_cell_and_module_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes long on a large notebook is done once, and everything said is said of one version of the file."""
    desk.write("work/helper.py", "import other_helper")
    desk.write("work/other_helper.py", "x = 1")
    cells = ["import helper", 'text = """\n%d of\n"""', "open('data.csv')", "y = 1"]
    desk.cells(*cells, parameters="month = 3")
    parsed: list[str] = []
    parse = ast.parse

    def noting(source: str, *rest: Any) -> Any:
        parsed.append(source)
        return parse(source, *rest)

    monkeypatch.setattr(ast, "parse", noting)
    monkeypatch.setattr(Opened, "counts", Counter())

    request = PackagingRequest(timing=DAILY, notebook=desk.notebook, parameter_texts={"month": "4"})
    with prepare_bundle(request, desk.root) as prepared:
        prepared.keep(desk.objects)

    assert Opened.counts is not None
    assert Opened.counts[str(desk.notebook)] == 1
    assert sorted(parsed) == sorted(["month = 3", *cells, "import other_helper", "x = 1"])


def test_the_bundle_has_the_notebook_that_was_looked_at(desk: Desk, tmp_path: Path) -> None:
    """Whoever saves the notebook in between can't have another one bundled than was checked."""
    desk.notebook.chmod(0o755)
    before = desk.notebook.read_bytes()
    request = PackagingRequest(timing=DAILY, notebook=desk.notebook)
    with prepare_bundle(request, desk.root) as prepared:
        desk.cells("print(2)", "key = 'AKIAABCDEFGHIJKLMNOP'")
        made = prepared.keep(desk.objects)

    bundled = desk.unpacked(made, tmp_path / "unpacked") / "report.ipynb"
    assert bundled.read_bytes() == before
    assert bundled.stat().st_mode & 0o777 == 0o755
    assert made.record.keys == ()


class TestTarball:
    def test_a_brought_tarball_is_kept_byte_for_byte(self, desk: Desk) -> None:
        desk.write("code/run.sh", "echo 1")
        packed = desk.root / "code.tar.gz"
        subprocess.run(["tar", "czf", packed, "-C", desk.root / "code", "."], check=True)

        made = desk.preview(notebook=None, tarball=packed, command="bash run.sh")

        assert desk.objects.get(bundle_key(made.spec.bundle)) == packed.read_bytes()
        assert (made.spec.notebook, made.spec.command, made.warnings) == (None, "bash run.sh", ())

    def test_a_command_that_is_not_in_it_is_said(self, desk: Desk) -> None:
        packed = desk.root / "code.tar.gz"
        subprocess.run(["tar", "czf", packed, "-C", desk.root, "work"], check=True)
        assert desk.preview(notebook=None, tarball=packed).warnings == ("./run.sh is not in the tarball.",)

    @pytest.mark.parametrize(
        ("name", "changes", "code"),
        [
            ("absent.tar.gz", {}, "tarball_unreadable"),
            ("work/report.ipynb", {}, None),
            ("work/report.ipynb", {"parameters": {"x": 1}}, "no_parameters"),
        ],
    )
    def test_what_is_no_tarball_is_refused(
        self, desk: Desk, name: str, changes: dict[str, Any], code: str | None
    ) -> None:
        with pytest.raises(Refused) as refused:
            desk.preview(notebook=None, tarball=desk.root / name, **changes)
        assert code in {None, refused.value.code}


THEIRS = ("run.sh", "params.json", "schedule.json", "requirements.txt", "apt.txt", "runner.txt", "config.json")


def test_a_file_of_any_name_is_the_analysts_and_the_wrapper_stays_out_of_its_way(desk: Desk, tmp_path: Path) -> None:
    for name in THEIRS:
        desk.write(f"work/{name}", "theirs")
    desk.cells(*(f"open({name!r})" for name in THEIRS))
    made = desk.preview()
    folder = desk.unpacked(made, tmp_path / "unpacked")
    assert [name for name in THEIRS if (folder / name).read_text() != "theirs"] == []
    assert made.spec.command == "./.wrapper/run.sh"
    assert (folder / ".wrapper/run.sh").stat().st_mode & 0o111
    assert json.loads((folder / ".wrapper/schedule.json").read_text())["notebook"] == "report.ipynb"
    assert made.record.notebook is not None
    assert made.record.notebook.notebook == "report.ipynb"


def test_a_script_of_two_lines_calls_the_wrapper_where_the_analyst_has_none(desk: Desk, tmp_path: Path) -> None:
    made = desk.preview()
    folder = desk.unpacked(made, tmp_path / "unpacked")
    assert made.spec.command == "./run.sh"
    assert len((folder / "run.sh").read_text().splitlines()) == 2
    (folder / ".wrapper/run.sh").write_text('#!/bin/sh\nprintf "%s|" "$0" "$@"; pwd\n')
    for command in (["./run.sh", "a b"], ["sh", "run.sh", "a b"], [str(folder / "run.sh"), "a b"]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        assert done.stdout.endswith(f".wrapper/run.sh|a b|{folder}\n")


@pytest.mark.parametrize(
    "requirements",
    [
        "numpy\n".encode("utf-16"),
        b"-r ../../constraints/base.txt\n",
        b"-r base.txt\n",
        b"\xff\xfe\xff",
        b"===\n",
        b"-r .\n",
    ],
)
def test_requirements_that_cannot_be_followed_are_no_condition_of_a_run_in_the_kernels_own_environment(
    desk: Desk, requirements: bytes
) -> None:
    (desk.root / "work/requirements.txt").write_bytes(requirements)
    assert desk.preview().spec.kernel is not None


def test_a_kernel_that_a_script_starts_is_scheduled_with_a_note(desk: Desk, tmp_path: Path) -> None:
    """Its packages aren't known, and a run doesn't need to know them."""
    script = tmp_path / "start.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    host = Host(lambda: {"python3": Kernel(name="python3", display_name="Team", argv=(str(script),))})
    request = PackagingRequest(timing=DAILY, notebook=desk.notebook)
    made = build_bundle(request, desk.root, desk.objects, host=host)
    assert ".wrapper/requirements.txt" not in made.record.files
    assert any("its packages aren't known" in said and "own environment" in said for said in made.warnings)
    fresh = request.model_copy(update={"environment": EnvironmentSource.FRESH})
    with pytest.raises(Refused, match="doesn't tell its Python"):
        build_bundle(fresh, desk.root, desk.objects, host=host)


def test_a_notebook_that_is_kept_elsewhere_is_refused_with_what_can_be_done(desk: Desk) -> None:
    host = Host(kept_by="S3ContentsManager")
    request = PackagingRequest(timing=DAILY, notebook=desk.root / "work/gone.ipynb")
    with pytest.raises(Refused, match="kept by S3ContentsManager") as refused:
        build_bundle(request, desk.root, desk.objects, host=host)
    assert (refused.value.code, refused.value.field) == ("notebook_missing", "notebook")
    with prepare_bundle(request.model_copy(update={"notebook": desk.notebook}), desk.root, host) as prepared:
        assert prepared.seen.path.exists()


def test_a_notebook_in_a_drive_of_the_browser_is_refused_as_that(desk: Desk) -> None:
    request = PackagingRequest(timing=DAILY, notebook=desk.root / "s3:bucket/gone.ipynb")
    with pytest.raises(Refused, match=r"in JupyterLab's drive s3:, which this server doesn't know"):
        build_bundle(request, desk.root, desk.objects)


def test_a_notebook_is_brought_from_what_keeps_it_with_the_files_beside_it(desk: Desk) -> None:
    """What is recorded is its place there; nothing of it stays on this disk but the bundle."""
    folders = []

    def bring(within: str, folder: Path) -> None:
        folders.append(folder)
        place = folder / within
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps(notebook_of("import helper", "open('data/x.csv')")))
        (place.parent / "data").mkdir()
        (place.parent / "data/x.csv").write_text("1")
        (place.parent / "helper.py").write_text("")

    host = Host(kept_by="S3ContentsManager", bring=bring)
    request = PackagingRequest(timing=DAILY, notebook=desk.root / "elsewhere/n.ipynb")
    made = build_bundle(request, desk.root, desk.objects, host=host)
    assert {file.path for file in made.files} >= {"n.ipynb", "data/x.csv", "helper.py"}
    assert (made.spec.source, made.spec.root) == ("elsewhere/n.ipynb", str(desk.root))
    gc.collect()
    assert folders
    assert not any(folder.exists() for folder in folders)


@pytest.mark.parametrize("problem", [OSError("HTTP 404: Not Found"), KeyError("content"), TimeoutError()])
def test_a_notebook_that_cannot_be_brought_is_refused_with_who_keeps_it(desk: Desk, problem: Exception) -> None:
    def bring(within: str, folder: Path) -> None:
        raise problem

    host = Host(kept_by="S3ContentsManager", bring=bring)
    request = PackagingRequest(timing=DAILY, notebook=desk.root / "gone.ipynb")
    with pytest.raises(Refused, match="S3ContentsManager, which keeps this server's notebooks, can't read it"):
        build_bundle(request, desk.root, desk.objects, host=host)


def test_the_values_of_a_kernels_variables_are_kept_for_the_account_alone(desk: Desk) -> None:
    """Ledger and API have their names; the same kernel gives the same record again."""
    variables = {"TEAM_PASSWORD": "opensesame", "MODE": "1"}
    kernel = find_kernel("python3").model_copy(update={"env": variables})
    host = Host(lambda: {"python3": kernel})
    desk.objects.root.mkdir(exist_ok=True)
    desk.objects.root.chmod(0o775)
    request = PackagingRequest(timing=DAILY, notebook=desk.notebook)
    spec = build_bundle(request, desk.root, desk.objects, host=host).spec
    assert spec.kernel is not None
    assert spec.kernel.env_object is not None
    assert "opensesame" not in spec.model_dump_json()
    assert spec.kernel.env_names == ("MODE", "TEAM_PASSWORD")
    assert json.loads(desk.objects.get(spec.kernel.env_object)) == variables
    assert (desk.objects.root / spec.kernel.env_object).stat().st_mode & 0o777 == 0o600
    # it goes with its bundle
    assert bundle_of(spec.kernel.env_object) == spec.bundle
    assert build_spec(request, desk.root, desk.objects, spec.bundle, host).kernel == spec.kernel
    other = kernel.model_copy(update={"env": {"MODE": "2"}})
    again = build_spec(request, desk.root, desk.objects, spec.bundle, Host(lambda: {"python3": other}))
    assert again.kernel is not None
    assert again.kernel.env_object != spec.kernel.env_object
