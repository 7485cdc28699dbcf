"""`server …`: the one server by which many people share a ledger, and the tokens by which it knows them."""

import asyncio
import logging
import os
from pathlib import Path
from urllib.parse import urlsplit

import click

from jupyter_schedule.cli.command import Command, json_option
from jupyter_schedule.cli.output import echo, echo_json, echo_table
from jupyter_schedule.core import clock
from jupyter_schedule.core.data_paths import default_data_paths
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import utc_text
from jupyter_schedule.shared_server.identity import Role
from jupyter_schedule.shared_server.tokens import TokenFile

folder_option = click.option(
    "--folder", type=click.Path(path_type=Path), help="The folder with service.toml; else the one of Jupyter's data."
)


@click.group()
def server() -> None:
    """Serve many people who share a ledger, each of whom sees their own."""


@server.command(cls=Command)
@folder_option
@click.option("--ip", default=None, help="Where to listen; 127.0.0.1, or where the Hub says.")
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="8765, or what the Hub says; 0 is any free.")
@click.option(
    "--base-url", default=None, help="What all addresses begin with, behind a proxy; /, or what the Hub says."
)
def run(*, folder: Path | None, ip: str | None, port: int | None, base_url: str | None) -> None:
    """Answer requests until it is stopped.  TLS is the proxy's before it."""
    # its Tornado and SQLAlchemy take most of a second to load
    from jupyter_schedule.shared_server.app import make_application, open_context, open_identity, serve  # noqa: PLC0415

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    service = urlsplit(os.environ.get("JUPYTERHUB_SERVICE_URL", ""))
    ip = ip or service.hostname or "127.0.0.1"
    port = port if port is not None else service.port or 8765
    base_url = base_url or os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "/")
    if not base_url.startswith("/"):
        raise Refused("bad_url", "--base-url begins with a slash, as in /services/jupyter-schedule/.", "base_url")
    place = _folder(folder)
    identity = open_identity(place)
    context = open_context(place, base_url)
    application = make_application(context, identity, base_url)

    def tell(listening: int) -> None:
        echo(f"Listening at http://{ip}:{listening}{base_url}")

    try:
        asyncio.run(serve(application, ip, port, tell))
    finally:
        context.close()


@server.group()
def token() -> None:
    """Make, list and revoke the tokens by which people are known."""


@token.command(cls=Command)
@click.argument("name")
@click.option("--role", type=click.Choice([str(role) for role in Role]), default=str(Role.OWNER), help="What they may.")
@click.option("--days", type=click.IntRange(1, 3650), default=None, help="How long it is theirs; without it for good.")
@folder_option
@json_option
def add(*, name: str, role: str, days: int | None, folder: Path | None, as_json: bool) -> None:
    """Make a token for the person NAME and print it, this once."""
    made = TokenFile(_folder(folder)).add(name, Role(role), clock.now(), days)
    if as_json:
        echo_json({"name": name, "role": role, "token": made})
        return
    echo(made)
    echo(f"That is {name}'s token, for JUPYTER_TOKEN. Nobody can be told it again.", err=True)


@token.command("list", cls=Command)
@folder_option
@json_option
def list_tokens(*, folder: Path | None, as_json: bool) -> None:
    """Tell who has a token, and until when."""
    known = TokenFile(_folder(folder)).read()
    if as_json:
        echo_json([each.model_dump(mode="json", exclude={"sha256"}) for each in known])
        return
    rows = [
        [each.name, each.role, utc_text(each.made_at), utc_text(each.expires_at) if each.expires_at else "never"]
        for each in known
    ]
    echo_table(("Name", "Role", "Made", "Expires"), rows)


@token.command(cls=Command)
@click.argument("name")
@folder_option
@json_option
def revoke(*, name: str, folder: Path | None, as_json: bool) -> None:
    """End all tokens of the person NAME, from the next request on; what they scheduled goes on."""
    count = TokenFile(_folder(folder)).revoke(name)
    if count == 0:
        raise Refused("no_such_owner", f"“{name}” has no token. `jupyter schedule server token list` tells who has.")
    if as_json:
        echo_json({"name": name, "revoked": count})
        return
    echo(f"{name} has no token any more. Their schedules go on: pause or delete them with an operator's.")


def _folder(given: Path | None) -> Path:
    return (given or default_data_paths().folder).expanduser().absolute()
