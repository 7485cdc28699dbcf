"""The panel's form and its view of a run, inside a notebook cell.

What people see is drawn by the same React components as the panel's.  In a Jupyter page they ask the server with the
browser's own login; where there is no such page, as in VS Code, they ask through this kernel.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from pydantic import BaseModel, ValidationError

from jupyter_schedule.api.requests import Frequency
from jupyter_schedule.api.responses import RunResponse
from jupyter_schedule.api.validation import validated
from jupyter_schedule.client.client import Client, connect, own_notebook, relative_to_root
from jupyter_schedule.client.discovery import inside_run, kernel_id
from jupyter_schedule.client.schedule import FORM, IN_RUN, ScheduleHandle, frequency
from jupyter_schedule.core.errors import Refused

NOT_BUILT = "The front end isn't built. In a checkout, build it with:  ./dev npm run build:widget"


def front_end(folder: Path) -> dict[str, Path | str]:
    """The parts of the front end: the built bundle in `folder`, or a sentence that says how to build it."""
    script, style = folder / "widget.js", folder / "widget.css"
    return {"_esm": script, "_css": style} if script.exists() and style.exists() else saying(NOT_BUILT)


def saying(sentence: str) -> dict[str, Path | str]:
    """A front end that is no more than a sentence."""
    return {
        "_esm": f"export default {{ render({{ el }}) {{ el.textContent = {json.dumps(sentence)}; }} }};",
        "_css": "",
    }


_FRONT_END = front_end(Path(__file__).parent / "_static")


class _View(anywidget.AnyWidget):
    """A view that the front end draws, with a way to ask through the kernel."""

    _esm = _FRONT_END["_esm"]
    _css = _FRONT_END["_css"]

    #: which component is drawn
    view = traitlets.Unicode().tag(sync=True)
    #: by which the page finds the notebook, also after a renaming
    kernel_id = traitlets.Unicode().tag(sync=True)

    def __init__(self, *, client: Client | None = None, **values: Any) -> None:
        self._client = client
        if inside_run():
            values |= saying(IN_RUN)  # which also keeps the executed notebook small
        super().__init__(kernel_id=kernel_id(), **values)
        self.on_msg(self._relay)

    @property
    def client(self) -> Client:
        """The client of this kernel; found when it is first needed."""
        if self._client is None:
            self._client = connect()
        return self._client

    def _relay(self, _widget: object, content: Mapping[str, Any], _buffers: object) -> None:
        """Answer a request of a front end that has no Jupyter page around it."""
        if content.get("kind") != "ask":
            return
        answer: dict[str, Any] = {"kind": "answer", "id": content.get("id")}
        try:
            answer["value"] = self._answer(_Ask.model_validate(content))
        except ValidationError:
            answer["error"] = {"code": "bad_request", "message": "That is no request.", "field": None}
        except Refused as problem:
            answer["error"] = {"code": problem.code, "message": problem.message, "field": problem.field}
        self.send(answer)

    def _answer(self, ask: "_Ask") -> Any:
        if ask.path == "notebook":
            return own_notebook(self.client)
        transport = self.client.transport
        return transport.ask(ask.method, ask.path, body=ask.body, query=ask.query, if_version=ask.if_version)


class _Ask(BaseModel):
    """A request as the front end sends it through the kernel; the path `notebook` asks which one this is."""

    method: str = "GET"
    path: str
    query: dict[str, str] | None = None
    body: Any = None
    if_version: int | None = None


class ScheduleForm(_View):
    """The form for the notebook that it is in, or for `notebook`, a path from where the code runs.

    name, every, at, timezone, day_of_month, date: what the form holds at first, as of `schedule`.
    parameters: values by name, which people may change in the form; an ipywidget decides its own, whenever it changes.
    options: the form's other fields, as of `schedule`.
    Raises Refused for what can't be.  `observe` the traits `schedule` and `last_run`.
    """

    #: path relative to Jupyter's root; empty is the notebook that the widget is in
    notebook = traitlets.Unicode().tag(sync=True)
    #: fields that the form starts with, as the API's Form
    presets = traitlets.Dict().tag(sync=True)
    #: parameters that controls of the notebook decide, by name; what they are when the button is pressed counts
    values = traitlets.Dict().tag(sync=True)
    #: a sentence about a value that a control has and a run can't be given
    problem = traitlets.Unicode().tag(sync=True)
    #: what was recorded, as the API's ScheduleResponse; None until the button is pressed
    schedule = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)
    #: its newest run, as the API's RunResponse, renewed while it goes
    last_run = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)

    def __init__(  # what the form can be told, spelled out for completion
        self,
        notebook: str | Path | None = None,
        *,
        name: str | None = None,
        every: str | Sequence[str] = "day",
        at: str = "12:00",
        timezone: str = "UTC",
        day_of_month: int | str = 1,
        date: str = "",
        parameters: Mapping[str, Any] | None = None,
        client: Client | None = None,
        **options: Any,
    ) -> None:
        given: dict[str, Any] = {**options}
        if name is not None:
            given["name"] = name
        when = frequency(every, at, timezone, day_of_month=day_of_month, date=date)
        if when != Frequency():
            given["frequency"] = when
        controls = {key: value for key, value in (parameters or {}).items() if _is_control(value)}
        fixed = {key: plain(key, value) for key, value in (parameters or {}).items() if key not in controls}
        if fixed:
            given["parameters"] = fixed
        presets = validated(given, FORM).model_dump(mode="json", include=set(given))
        values = {key: plain(key, control.value) for key, control in controls.items()}
        super().__init__(view="form", presets=presets, values=values, client=client)
        if notebook is not None:
            self.notebook = relative_to_root(self.client, notebook)
        for key, control in controls.items():
            control.observe(self._follow(key), names="value")

    def _follow(self, name: str) -> Callable[[Any], None]:
        def change(event: Any) -> None:
            try:
                self.values = {**self.values, name: plain(name, event["new"])}
                self.problem = ""
            except Refused as problem:
                self.problem = problem.message

        return change

    def __repr__(self) -> str:
        made = f"scheduled as {self.schedule['name']!r}" if self.schedule else "not scheduled yet"
        return f"<ScheduleForm {self.notebook or 'of this notebook'}: {made}>"


class RunView(_View):
    """A run's progress, log and files: of a run's id, a run as the client answers it, or a schedule's newest run.

    `observe` the trait `run`.
    """

    run_id = traitlets.Unicode().tag(sync=True)
    #: as the API's RunDetails, renewed while it goes; None until the front end has asked
    run = traitlets.Dict(allow_none=True, default_value=None).tag(sync=True)

    def __init__(
        self, run: str | RunResponse | ScheduleHandle | Mapping[str, Any], *, client: Client | None = None
    ) -> None:
        super().__init__(view="run", run_id=_run_id(run), client=client)

    def __repr__(self) -> str:
        return f"<RunView {self.run_id}: {self.run['status'] if self.run else 'not shown yet'}>"


def plain(name: str, value: Any) -> Any:
    """A parameter's value as JSON has it: dates as texts, tuples as lists, NumPy's numbers as numbers.

    Raises Refused `wrong_parameter_type` for what JSON has no notation for.
    """
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [plain(name, item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(name, item) for key, item in value.items()}
    if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if callable(getattr(value, "item", None)) and getattr(value, "ndim", None) == 0:
        return plain(name, value.item())
    shown = str(value) if isinstance(value, float) else f"a {type(value).__name__}"
    message = f"{name} can't be {shown}: give a number, a text, a date, a list, a dictionary or an ipywidget."
    raise Refused("wrong_parameter_type", message, "parameters")


def _is_control(value: Any) -> bool:
    """True if it has a value that can be observed, as ipywidgets have."""
    return isinstance(value, traitlets.HasTraits) and value.has_trait("value")


def _run_id(run: str | RunResponse | ScheduleHandle | Mapping[str, Any]) -> str:
    if isinstance(run, str):
        return run
    if isinstance(run, RunResponse):
        return run.run_id
    if isinstance(run, ScheduleHandle):
        newest = run.newest()
        if newest is None:
            raise Refused("not_run_yet", f"“{run.name}” has not run yet. Run it with .run_now().")
        return newest.run_id
    return str(run["run_id"])
