"""jupyter-schedule: an analysis, run by the clock, its results at a stable address.

Importing this package, or `jupyter_schedule.core`, loads no Jupyter server, no widget library and no cloud SDK.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_schedule.client.schedule import schedule
    from jupyter_schedule.widget import RunView, ScheduleForm

__version__ = "0.1.0"
__all__ = ["RunView", "ScheduleForm", "schedule"]

#: what is loaded when it is first asked for, and from where
_LAZY = {"RunView": "widget", "ScheduleForm": "widget", "schedule": "client.schedule"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """The modules that Jupyter's server loads."""
    module = f"{__name__}.extension"
    return [{"module": module, "app": import_module(module).JupyterSchedule}]
