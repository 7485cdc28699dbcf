"""The rooms and the arrows between them, as CONTRIBUTING draws them."""

import ast
import graphlib
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("jupyter_schedule", "scheduler_service")
#: what travels to a worker that has nothing of ours installed
TRAVELS = (
    "scheduler_service.worker",
    "jupyter_schedule.core.storage",
    "jupyter_schedule.core.bundles.archive",
    "jupyter_schedule.core.errors",
    "jupyter_schedule.core.object_keys",
)
#: for the tests of packages that bring a launcher, so it knows both halves
FOR_TESTS = "jupyter_schedule.testing"
MOST_LINES = 600
#: from a top-level package to a module; Alembic keeps its versions in a folder of their own
MOST_FOLDERS = 3
#: a docstring that begins so asks what it should say
QUESTION = re.compile(r"(?:What|Whether|Who|Whom|Whose|Why|How|Where|When|Which)\b")
#: Alembic's own entry, and the program that runs in the runner environment
RUNS_ELSEWHERE = {"migrations", "wrapper"}


def modules() -> dict[str, Path]:
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


@cache
def imports(path: Path, *, top_level: bool = False) -> tuple[str, ...]:
    """Dotted names that a module imports; of `from a import b` also `a.b`."""
    return tuple(_imports(path, top_level=top_level))


def _imports(path: Path, *, top_level: bool) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def our_imports(name: str) -> set[str]:
    return {found for found in imports(MODULES[name]) if found in MODULES and found != name}


def in_room(name: str, room: str) -> bool:
    return name == room or name.startswith(f"{room}.")


def test_core_loads_no_server_no_widgets_and_no_cloud_sdk() -> None:
    names = [
        name for name in MODULES if in_room(name, "jupyter_schedule.core") and not RUNS_ELSEWHERE & set(name.split("."))
    ]
    script = f"import sys, {', '.join(names)}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert {"tornado", "jupyter_server", "ipywidgets", "boto3"}.isdisjoint(loaded)


def test_the_service_imports_of_the_other_half_only_core() -> None:
    for name in MODULES:
        if in_room(name, "scheduler_service"):
            foreign = {found for found in our_imports(name) if in_room(found, "jupyter_schedule")}
            outside = {found for found in foreign if not in_room(found, "jupyter_schedule.core")}
            assert outside <= {"jupyter_schedule"}, name


def test_what_runs_beside_the_analyst_never_imports_the_service() -> None:
    for name, path in MODULES.items():
        if in_room(name, "jupyter_schedule") and name != FOR_TESTS:
            assert not any(in_room(found, "scheduler_service") for found in imports(path)), name


def test_what_other_packages_test_with_is_used_by_nothing_of_ours() -> None:
    assert [name for name in MODULES if FOR_TESTS in our_imports(name)] == []


def test_core_imports_nothing_above_it() -> None:
    for name in MODULES:
        if in_room(name, "jupyter_schedule.core"):
            outside = {found for found in our_imports(name) if not in_room(found, "jupyter_schedule.core")}
            assert outside <= {"jupyter_schedule"}, name


def test_on_the_analysts_side_arrows_point_down_from_the_doors_to_the_ground() -> None:
    floors = [f"jupyter_schedule.{room}" for room in ("core", "api", "client")]
    for height, floor in enumerate(floors):
        for name in MODULES:
            if in_room(name, floor):
                reached = {found for found in our_imports(name) if in_room(found, "jupyter_schedule")}
                below = {found for found in reached if any(in_room(found, room) for room in floors[: height + 1])}
                assert reached - below <= {"jupyter_schedule"}, name


def test_the_api_and_its_clients_need_no_jupyter_server() -> None:
    for name, path in MODULES.items():
        if in_room(name, "jupyter_schedule.api") or in_room(name, "jupyter_schedule.client"):
            needed = {found.partition(".")[0] for found in imports(path)}
            assert {"jupyter_server", "tornado", "traitlets", "ipywidgets"}.isdisjoint(needed), name


def test_no_module_imports_itself_in_a_circle() -> None:
    above = {name: {other for other in MODULES if other != name and in_room(name, other)} for name in MODULES}
    graph = {name: our_imports(name) - above[name] for name in MODULES}
    graphlib.TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("house", ["jupyter_schedule.core", "scheduler_service"])
def test_rooms_need_each_other_in_no_circle(house: str) -> None:
    rooms = {found.group() for name in MODULES if (found := re.match(rf"{house}\.\w+(?=\.)", name))}
    graph: dict[str, set[str]] = {room: set() for room in rooms}
    for name in MODULES:
        for needed in our_imports(name):
            one, other = _room_of(name, rooms), _room_of(needed, rooms)
            if one and other and one != other:
                graph[one].add(other)
    graphlib.TopologicalSorter(graph).prepare()


def _room_of(name: str, rooms: set[str]) -> str | None:
    return next((room for room in rooms if in_room(name, room)), None)


def test_only_one_module_hands_expressions_to_croniter() -> None:
    assert [name for name, path in MODULES.items() if "croniter" in imports(path)] == [
        "jupyter_schedule.core.timing.cron"
    ]


def test_only_one_module_reads_the_clock() -> None:
    readers = []
    for name, path in MODULES.items():
        if in_room(name, "scheduler_service.worker") or in_room(name, "jupyter_schedule.core.bundles.wrapper"):
            continue  # they run on the worker, whose clock is theirs
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        attributes = {(call.attr) for call in calls if isinstance(call, ast.Attribute) and _is_datetime(call.value)}
        if attributes & {"now", "utcnow", "today"}:
            readers.append(name)
    assert readers == ["jupyter_schedule.core.clock"]


def _is_datetime(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in {"datetime", "date"}


@pytest.mark.parametrize("room", TRAVELS)
def test_what_travels_to_a_worker_needs_nothing_but_python(room: str) -> None:
    reached: set[str] = set()
    waiting = [name for name in MODULES if in_room(name, room)]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += our_imports(name)
    for name in reached:
        foreign = {
            found.partition(".")[0]
            for found in imports(MODULES[name], top_level=True)
            if found.partition(".")[0] not in PACKAGES
        }
        assert foreign <= set(sys.stdlib_module_names), name


def test_every_module_fits_in_a_head() -> None:
    assert {name: lines for name, path in MODULES.items() if (lines := path.read_text().count("\n")) > MOST_LINES} == {}


def test_every_module_says_what_it_is() -> None:
    silent = [
        name
        for name, path in MODULES.items()
        if path.stat().st_size and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_docstrings_state_and_ask_nothing() -> None:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    asking = [
        f"{name}: {said.splitlines()[0]}"
        for name, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, documented) and (said := ast.get_docstring(node)) and QUESTION.match(said)
    ]
    assert asking == []


def test_a_module_is_at_most_three_folders_deep() -> None:
    deep = [
        name
        for name, path in MODULES.items()
        if "migrations" not in name and len(path.relative_to(ROOT).parts) - 2 > MOST_FOLDERS
    ]
    assert deep == []


def test_a_package_holds_nothing_but_names() -> None:
    """The top package loads its parts when these are asked for, which takes a function."""
    names = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
    code = {
        name
        for name, path in MODULES.items()
        if path.name == "__init__.py"
        for node in ast.parse(path.read_text()).body
        if not isinstance(node, names) and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    }
    assert code == {"jupyter_schedule"}


def test_a_class_name_has_one_meaning() -> None:
    homes: dict[str, list[str]] = {}
    for name, path in MODULES.items():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(name)
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}
