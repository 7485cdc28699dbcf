import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_schedule.core.errors import ErrorCode, Refused

ROOT = Path(__file__).parents[2]
#: what makes a refusal of a code and a sentence
MAKERS = {"Refused", "_refused"}


def codes_in(path: Path) -> Iterator[str]:
    """The codes that a module writes where it makes a refusal."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in MAKERS and len(node.args) > 1:
            first = node.args[0]
            for part in [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]:
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


def test_no_refusal_has_a_code_that_is_not_in_the_list() -> None:
    known = {code.value for code in ErrorCode}
    unknown = {
        (code, str(path.relative_to(ROOT)))
        for package in ("jupyter_schedule", "scheduler_service")
        for path in (ROOT / package).rglob("*.py")
        for code in codes_in(path)
        if code not in known
    }
    assert unknown == set()


def test_every_code_is_the_small_letters_of_its_name() -> None:
    assert [code for code in ErrorCode if code.name.lower() != code.value] == []


@pytest.mark.parametrize(
    ("code", "status"),
    [("name_taken", 409), ("no_such_run", 404), ("disk_full", 507), ("bad_cron", 422), ("of_a_newer_server", 400)],
)
def test_a_refusal_has_the_status_of_its_code(code: str, status: int) -> None:
    assert Refused(code, "No.").status == status
