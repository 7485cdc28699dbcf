"""A program: a port of this machine's loopback, at an address that machines reach.  Arguments: address, port."""

import asyncio
import sys
from contextlib import suppress

HOST, PORT = sys.argv[1:] if len(sys.argv) == 3 else ("", "0")


async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what either side says until both have said all."""
    with suppress(OSError):
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", int(PORT))
        await asyncio.gather(passed(reader, inner_writer), passed(inner_reader, writer))


async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what one side says."""
    with suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()


async def main() -> None:
    """Relay until ended."""
    server = await asyncio.start_server(connected, HOST, int(PORT))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
