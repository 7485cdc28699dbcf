"""An answer costs what it holds, however many schedules there are beside."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, insert

from jupyter_schedule.client.in_process import InProcessTransport
from jupyter_schedule.core.data_paths import DataPaths
from jupyter_schedule.core.models import RunStatus
from jupyter_schedule.core.store import runs as run_rows
from jupyter_schedule.core.store import schedules as schedule_rows
from jupyter_schedule.core.store.factory import open_store
from jupyter_schedule.core.store.schedules import schedule_row, version_row
from jupyter_schedule.core.store.sql import SqlStore
from jupyter_schedule.core.store.tables import schedule_versions, schedules
from tests.factories import make_run, make_schedule, make_spec


class Work:
    """What the requests of a block have cost: statements, and values that were made of rows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.statements = self.values = 0
        event.listen(Engine, "before_cursor_execute", self.count_statement)
        for module, name in ((schedule_rows, "Schedule"), (run_rows, "Run")):
            monkeypatch.setattr(module, name, self.counting(getattr(module, name)))

    def counting(self, made: Any) -> Any:
        def make(**columns: Any) -> Any:
            self.values += 1
            return made(**columns)

        return make

    def count_statement(self, *_: Any) -> None:
        self.statements += 1

    def end(self) -> tuple[int, int]:
        event.remove(Engine, "before_cursor_execute", self.count_statement)
        return self.statements, self.values


def ledger_of(folder: Path, count: int) -> InProcessTransport:
    """A person's folder with so many schedules, one of which has a run that failed and one that waits."""
    places = DataPaths(folder / "data")
    store = open_store(places.store)
    assert isinstance(store, SqlStore)
    specs = (make_spec(source=f"{n}.ipynb", publication_base="file:///out") for n in range(count))
    made = [make_schedule(f"s{n:04}", spec=spec) for n, spec in enumerate(specs)]
    with store.database.engine.begin() as connection:
        connection.execute(insert(schedules), [schedule_row(schedule) for schedule in made])
        connection.execute(insert(schedule_versions), [version_row(schedule) for schedule in made])
    for number, status in enumerate((RunStatus.FAILED, RunStatus.DUE)):
        store.runs.add(make_run(made[3], str(number), status=status, attempt=1), actor="service")
    store.close()
    return InProcessTransport(folder, places)


REQUESTS: dict[str, tuple[str, dict[str, str]]] = {
    "a page": ("schedules", {"limit": "5", "before": "s0002"}),
    "the status": ("status", {}),
    "a notebook's": ("schedules", {"notebook": "3.ipynb"}),
    "a notebook's button": ("scheduled", {"notebook": "3.ipynb"}),
    "runs": ("runs", {}),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_an_answer_costs_as_much_among_few_schedules_as_among_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path, query = REQUESTS[name]
    costs, answers = [], []
    for count in (20, 400):
        (tmp_path / str(count)).mkdir()
        transport = ledger_of(tmp_path / str(count), count)
        with monkeypatch.context() as patch:
            work = Work(patch)
            answers.append(transport.ask("GET", path, query=query))
            costs.append(work.end())
        transport.close()
    assert costs[0] == costs[1]
    if name != "runs":
        assert str(answers[0]).replace(str(tmp_path / "20"), "") == str(answers[1]).replace(str(tmp_path / "400"), "")


def test_a_list_without_a_number_has_a_hundred_and_tells_how_many_there_are(tmp_path: Path) -> None:
    transport = ledger_of(tmp_path, 120)
    page, total = transport.ask_page("schedules")
    assert (len(page), total) == (100, 120)
    rest, _ = transport.ask_page("schedules", query={"before": page[-1]["name"]})
    assert len(rest) == 20
    transport.close()


@pytest.mark.parametrize("text", ["s0004-", "s004", "s0003x"])
def test_a_name_that_is_nearly_right_is_answered_by_the_one_beside(tmp_path: Path, text: str) -> None:
    transport = ledger_of(tmp_path, 20)
    with pytest.raises(Exception, match="Did you mean “s0"):
        transport.ask("GET", f"schedules/{text}")
    transport.close()
