"""`--server`, which every command has, and the variable by which shells ask for completions."""

from urllib.parse import urljoin

import click

#: the variable with which a shell asks for completions
COMPLETE = "_JUPYTER_SCHEDULE_COMPLETE"
_KEY = "jupyter_schedule.server"


def remember_server(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """Keep the address for `asked_server`."""
    del param
    if value is not None:
        ctx.meta[_KEY] = value


def server_option() -> click.Option:
    """The option."""
    return click.Option(
        ["--server"],
        metavar="URL",
        help="Ask this Jupyter server instead of the ledger on this machine.",
        expose_value=False,
        callback=remember_server,
    )


def asked_server(ctx: click.Context | None = None) -> str | None:
    """The address that `--server` gave; None for the ledger on this machine."""
    found = ctx or click.get_current_context(silent=True)
    server: str | None = found.meta.get(_KEY) if found is not None else None
    return server


def whole_address(address: str) -> str:
    """An address as a browser follows it: one on the server that was asked, with that server's name."""
    server = asked_server()
    return urljoin(server, address) if server is not None and address.startswith("/") else address
