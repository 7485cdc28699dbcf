"""What can't be kept is refused at one door, by the name of its field, whichever field it is."""

import json
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from jupyter_schedule.api.context import ApiContext
from jupyter_schedule.api.routes import answer
from jupyter_schedule.api.validation import parse_body
from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.errors import Refused
from tests.api import hostile
from tests.engine import notebook_of

HALF, NUL = '"a\\ud800b"', '"a\\u0000b"'
#: JSON that parses and that no field takes
ODD = {
    "not a number": "NaN",
    "infinite": "-Infinity",
    "too large a float": "1e999",
    "4,000 digits": "1" + "0" * 4000,
    "9,000 digits": "9" * 9000,
    "deep": "[" * 60 + "]" * 60,
    "deeper": "[" * 900 + "]" * 900,
    "half a character as a key": '{"\\udfff": 1}',
    "NUL as a key": '{"\\u0000": 1}',
}
#: JSON that some fields take
STRANGE = {
    "nothing": "null",
    "empty": '""',
    "blank": '"  "',
    "bell and escape": '"\\u001b[2J\\u0007x"',
    "right to left": '"\\u202egpj.exe"',
    "dots": '"../../etc/passwd"',
    "minus zero": "-0.0",
    "largest": str(2**63),
    "smallest": str(-(2**63) - 1),
    "list": "[[], {}]",
    "object": '{"__proto__": {"x": 1}}',
    "first day": '"0001-01-01"',
    "last day": '"9999-12-31"',
    "first second": '"0001-01-01T00:00:00Z"',
    "last second": '"9999-12-31T23:59:59Z"',
    "pair": '"\\ud83d\\ude00"',
    "true": "true",
}


class Door:
    """The API in this process, over a ledger with one schedule, and one run of it."""

    def __init__(self, root: Path) -> None:
        text = json.dumps(notebook_of("print(region)", parameters="region = 'NO'\nshare = 0.5\nmany = [1]\nby = {}"))
        (root / "report.ipynb").write_text(text)
        self.context = ApiContext.open(DataPaths(root / "data"), root)
        self.count = count(1)
        self.ask(
            "POST", "schedules", '{"form": {"notebook": "report.ipynb", "name": "daily", "environment": "kernel"}}'
        )
        self.run = json.loads(self.ask("POST", "schedules/daily/run"))["run_id"]

    def ask(self, method: str, path: str, text: str = "", *, if_version: int = 1, **query: Any) -> bytes:
        """The answer to a request whose body is `text`."""
        body = parse_body(text.encode("utf-8", "surrogatepass"))
        return answer(self.context, method, path, body=body, query=query, if_version=if_version).content

    def fill(self, path: str, otherwise: str = "x") -> str:
        """The path with names of what is there."""
        ids = {"name": "daily", "id": self.run}
        return path.format_map({key: ids.get(key, otherwise) for key in ("name", "id", "path", "digest")})

    def refusal(self, method: str, path: str, text: str = "", **query: Any) -> Refused | None:
        """What was refused; None where it was done."""
        try:
            self.ask(method, path, text, **query)
        except Refused as refused:
            return refused
        return None

    def read_everything(self) -> None:
        """Every list, every schedule, every run and every version can be had, as JSON that is valid Unicode."""
        for path in ("status", "schedules", "runs", "ad-hoc-workers"):
            json.loads(self.ask("GET", path).decode())
        for each in json.loads(self.ask("GET", "schedules")):
            for rest in ("", "/runs", "/versions", "/days"):
                json.loads(self.ask("GET", f"schedules/{each['name']}{rest}").decode())
        for each in json.loads(self.ask("GET", "runs")):
            for rest in ("", "/log", "/files"):
                json.loads(self.ask("GET", f"runs/{each['run_id']}{rest}").decode())
        json.loads(self.ask("POST", "preview", '{"notebook": "report.ipynb"}').decode())

    def close(self) -> None:
        """Everything can be deleted too."""
        self.read_everything()
        while page := json.loads(self.ask("GET", "schedules")):
            for each in page:
                self.ask("DELETE", f"schedules/{each['name']}")
        self.context.close()


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    made = Door(tmp_path)
    yield made
    made.close()


def _each_field(door: Door, values: dict[str, str]) -> Iterator[tuple[str, hostile.Field, Refused | None]]:
    for field in hostile.fields():
        for label, value in values.items():
            body = field.body(value, f"n{next(door.count)}")
            yield f"{field}: {label}", field, door.refusal(field.method, door.fill(field.path), body)


def test_every_text_of_a_request_has_a_size() -> None:
    texts = [field for field in hostile.fields() if field.schema.get("type") == "string"]
    # an amount of money is a number that is written as a text
    bounds = {"maxLength", "enum", "const", "pattern", "format", "examples"}
    assert len(texts) > 60
    assert [str(field) for field in texts if not bounds & set(field.schema)] == []


@pytest.mark.promise("P35")
def test_half_a_character_and_nul_are_refused_by_the_name_of_their_field(door: Door) -> None:
    for what, field, refused in _each_field(door, {"half": HALF, "NUL": NUL}):
        assert refused is not None, what
        assert (refused.status, refused.field) == (422, field.name), f"{what}: {refused.message}"
    assert len(json.loads(door.ask("GET", "schedules"))) == 1


@pytest.mark.promise("P35")
def test_what_is_larger_than_its_field_is_refused_by_its_name(door: Door) -> None:
    for field in hostile.fields():
        if field.schema.get("type") != "string" and field.name != hostile.FREE:
            continue
        longest = field.schema.get("maxLength", 100_000)
        body = field.body(json.dumps("é" * (longest + 1)), f"n{next(door.count)}")
        refused = door.refusal(field.method, door.fill(field.path), body)
        assert refused is not None, field
        assert (refused.status, refused.field) == (422, field.name), f"{field}: {refused.message}"


@pytest.mark.promise("P35")
def test_json_that_no_ledger_keeps_is_refused(door: Door) -> None:
    for what, _, refused in _each_field(door, ODD):
        assert refused is not None, what
        assert 400 <= refused.status < 500, f"{what}: {refused.message}"


@pytest.mark.promise("P35")
def test_addresses_and_queries_are_refused_alike(door: Door) -> None:
    for method, path, parts, query in hostile.paths():
        for bad in ("\ud800", "a\0"):
            for name in query:
                refused = door.refusal(method, door.fill(path), **{name: bad})
                assert refused is not None, (path, name)
                served = refused.code != "no_such_route"
                assert not served or (refused.status, refused.field) == (422, name), (path, name)
        for bad in ("%00", "%ED%A0%80", "%FF"):
            for part in parts:
                refused = door.refusal(method, path.replace(f"{{{part}}}", bad).format_map(_Names()))
                assert refused is not None, path
                assert 400 <= refused.status < 500, path


class _Names(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "x"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"note": "a", "note": "b"}', "note"),
        ('{"note": {"a": 1, "a": 2}}', "a"),
        ('{"note": "a"', None),
        ("[" * 5000 + "]" * 5000, None),
        ("\ud800", None),
        ('"\\ud800"', "body"),
    ],
)
def test_a_body_that_can_mean_two_things_or_none_is_refused(door: Door, text: str, field: str | None) -> None:
    refused = door.refusal("POST", "schedules/daily/pause", text)
    assert refused is not None
    assert (refused.status, refused.field) == (422, field)


def test_a_request_may_say_so_much_in_all(door: Door) -> None:
    many = {"files": [], "parameters": {f"p{number}": ["x" * 90_000] for number in range(90)}}
    refused = door.refusal("POST", "preview", json.dumps({"notebook": "report.ipynb"} | many))
    assert refused is not None
    assert (refused.code, refused.status) == ("too_large", 413)


@pytest.mark.parametrize("text", ['["\\ud800"]', '["\\u0000"]', "[NaN]", "[1e999]", "[" * 40 + "]" * 40])
def test_what_a_parameters_text_spells_out_is_refused_alike(door: Door, text: str) -> None:
    form = {"notebook": "report.ipynb", "name": "fresh", "parameters": {"many": text}}
    refused = door.refusal("POST", "schedules", json.dumps({"form": form}))
    assert refused is not None
    assert (refused.status, refused.field) == (422, "parameters")
    for verb, path in (("PATCH", "schedules/daily"), ("POST", "schedules/daily/clone")):
        body = {"form": {"parameters": {"many": text}}} | ({"name": "fresh"} if verb == "POST" else {})
        refused = door.refusal(verb, path, json.dumps(body))
        assert refused is not None
        assert (refused.status, refused.field) == (422, "parameters")


def test_a_folder_whose_name_is_not_utf8_is_refused_with_what_to_do(tmp_path: Path) -> None:
    root = Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff"))
    for paths, folder in ((DataPaths(tmp_path / "data"), root), (DataPaths(root), tmp_path)):
        with pytest.raises(Refused, match=r"a\\udcff isn't UTF-8: rename that folder\."):
            ApiContext.open(paths, folder)


@pytest.mark.proof("faults")
def test_whatever_a_field_holds_everything_can_be_read_afterwards(door: Door) -> None:
    for what, _, refused in _each_field(door, STRANGE):
        assert refused is None or refused.status < 500, f"{what}: {refused.message}"
        if refused is None:
            door.read_everything()
