"""A program: a port of this machine's loopback, at an address that machines reach.

Arguments: address and port; for more, the port to listen at, files with a certificate and its key, and ports by the
beginnings of the names that are asked for, such as `cloudformation.=8080`: others get the first.
"""

import asyncio
import ssl
import sys
from contextlib import suppress

HOST, PORT = sys.argv[1:3] if len(sys.argv) >= 3 else ("", "0")
LISTENS_AT, CERTIFICATE, KEY = sys.argv[3:6] if len(sys.argv) > 5 else (PORT, "", "")
PORTS = dict(each.split("=") for each in sys.argv[6:])


async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what either side says until both have said all."""
    name = getattr(writer.get_extra_info("ssl_object"), "asked_for", None) or ""
    port = next((port for beginning, port in PORTS.items() if name.startswith(beginning)), PORT)
    with suppress(OSError):
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", int(port))
        await asyncio.gather(passed(reader, inner_writer), passed(inner_reader, writer))


async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what one side says."""
    with suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()


def _secure() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)

    def noted(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        connection.asked_for = name  # type: ignore[attr-defined]

    context.sni_callback = noted
    return context


async def main() -> None:
    """Relay until ended."""
    server = await asyncio.start_server(connected, HOST, int(LISTENS_AT), ssl=_secure() if CERTIFICATE else None)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
