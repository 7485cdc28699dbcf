"""The Jupyter server extension: settings and wiring.  The ledger isn't opened before somebody asks."""

import asyncio
import os
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.extension.application import ExtensionApp
from jupyter_server.utils import url_path_join
from traitlets import Bool, Unicode, default

from jupyter_schedule.server.backend import Backend
from jupyter_schedule.server.embedded import Supervisor, service_command
from jupyter_schedule.server.events import SCHEMA, SCHEMA_ID, Changes
from jupyter_schedule.server.handlers import BACKEND, HANDLERS, RELAY, REMEMBERED, SIGNED_PATHS
from jupyter_schedule.server.host import find_host, served_folder
from jupyter_schedule.server.idempotency import IdempotencyCache
from jupyter_schedule.server.signed_paths import SignedPaths

if TYPE_CHECKING:
    from jupyter_schedule.api.context import ApiContext
    from jupyter_schedule.server.relay import Relay


class JupyterSchedule(ExtensionApp):
    """Schedules analyses from JupyterLab and Jupyter Notebook."""

    name = "jupyter_schedule"
    app_name = "jupyter-schedule"
    description = "Schedule this analysis: a notebook, run by the clock, its results at a stable address."
    extension_url = "/lab"
    load_other_extensions = True

    embedded_service = Bool(
        True, config=True, help="Run a scheduler service as long as this server runs; it stands by where another ticks."
    )
    folder = Unicode(
        "", config=True, help="Where the ledger and the runs' files are; empty is `schedule` in Jupyter's data folder."
    )

    server_url = Unicode(
        config=True,
        help="The address of a server that many share (`jupyter schedule server run`): this one then keeps no ledger, "
        "runs no service, and asks there with your token, of JUPYTER_SCHEDULE_TOKEN or of the Hub.",
    )

    @default("server_url")
    def _default_server_url(self) -> str:
        return os.environ.get("JUPYTER_SCHEDULE_SERVER_URL", "")

    def initialize_settings(self) -> None:
        """Prepare what the handlers work with; nothing is opened yet."""
        self._supervisor: Supervisor | None = None
        self._backend = Backend(self._open_context, self._watch)
        self.settings[BACKEND] = self._backend
        self.settings[REMEMBERED] = IdempotencyCache()
        self.settings[SIGNED_PATHS] = SignedPaths()
        assert self.serverapp is not None
        self._relay = self._open_relay() if self.server_url else None
        if self._relay is not None:
            self.settings[RELAY] = self._relay
        assert self.serverapp.event_logger is not None
        self.serverapp.event_logger.register_event_schema(SCHEMA)

    def initialize_handlers(self) -> None:
        """Add the routes."""
        self.handlers.extend(HANDLERS)

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        """Start the embedded service, once the server answers."""
        del serverapp
        if self.embedded_service and self._relay is None:
            folder = Path(self.folder).expanduser().absolute() if self.folder else None
            self._supervisor = Supervisor(service_command(folder), self.log)
            self._supervisor.start()

    async def stop_extension(self) -> None:
        """End the embedded service and whatever was opened; running analyses go on."""
        await asyncio.to_thread(self._stop)

    def _stop(self) -> None:
        if self._supervisor is not None:
            self._supervisor.stop()
        self._backend.close()
        if self._relay is not None:
            self._relay.close()

    def _open_relay(self) -> "Relay":
        # a quarter of a second to import, which no other server needs
        from jupyter_schedule.server.relay import Relay  # noqa: PLC0415

        assert self.serverapp is not None
        root, find = served_folder(self.serverapp), partial(find_host, self.serverapp)
        return Relay(self.server_url, root, url_path_join(self.serverapp.base_url, "jupyter-schedule") + "/", find)

    def _open_context(self) -> "ApiContext":
        # Most of a second to import: in the thread that first needs it, and not at the server's start.
        from jupyter_schedule.api.context import ApiContext  # noqa: PLC0415
        from jupyter_schedule.core.config import PUBLISHED  # noqa: PLC0415
        from jupyter_schedule.core.data_paths import DataPaths, default_data_paths  # noqa: PLC0415
        from jupyter_schedule.core.storage.factory import FolderAddress  # noqa: PLC0415

        assert self.serverapp is not None
        paths: DataPaths = DataPaths(Path(self.folder).expanduser().absolute()) if self.folder else default_data_paths()
        root = served_folder(self.serverapp)
        return ApiContext.open(
            paths,
            root,
            address=url_path_join(self.serverapp.base_url, "jupyter-schedule") + "/",
            published=FolderAddress(root).url(PUBLISHED),
            embedded=self.embedded_service,
            host=find_host(self.serverapp),
        )

    def _watch(self, context: "ApiContext", loop: asyncio.AbstractEventLoop) -> Changes:
        """From now on, changes are events."""
        assert self.serverapp is not None
        assert self.serverapp.event_logger is not None
        emit = self.serverapp.event_logger.emit

        def tell(change: dict[str, Any]) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody listens any more
                loop.call_soon_threadsafe(partial(emit, schema_id=SCHEMA_ID, data=change))

        return Changes(context.operations.store, context.operations.owner, tell)
