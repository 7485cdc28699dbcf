"""The server while ten clients ask for what takes long: how long it is deaf to another one, beside one left alone.

Deaf is the longest that an answer of a few bytes, by the same event loop, takes; its floor is the same with nobody
else there.  What is asked: notebooks of 60 MB of JSON, one whose file never ends, bodies of a megabyte that are nested
deeply, and bodies that are too large.
"""

import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path

import httpx

from benchmarks import Row
from tests.ui.lab import Lab

CLIENTS = 10
#: seconds that each look takes, and between two questions
LASTS, PAUSE = 30.0, 0.02
#: numbers in the outputs of the notebook: 60 MB
MANY = 12_000_000


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as scratch:
        lab = Lab(Path(scratch))
        lab.start()
        try:
            yield from _rows(lab)
        finally:
            lab.stop()


def _rows(lab: Lab) -> Iterator[Row]:
    _write_notebook(lab.root / "large.ipynb")
    os.mkfifo(lab.root / "endless.ipynb")
    with _client(lab.base, lab.token) as client:
        _preview(client, "examples/nothing.ipynb")  # everything is imported
        alone = _latencies(client)
        # a process of their own, so that they keep nobody from looking at the clock
        spawn = get_context("spawn")
        stop = spawn.Event()
        others = spawn.Process(target=_bother_together, args=(lab.base, lab.token, stop))
        others.start()
        among = _latencies(client)
        stop.set()
        others.join()
    yield Row(f"longest answer beside {CLIENTS} hostile clients", max(among), "with nobody else", max(alone))
    yield Row(f"median answer beside {CLIENTS} hostile clients", _median(among), "with nobody else", _median(alone))


def _write_notebook(path: Path) -> None:
    output = {"output_type": "display_data", "metadata": {}, "data": {"application/json": [1] * MANY}}
    cell: dict[str, object] = {
        "cell_type": "code",
        "metadata": {},
        "execution_count": None,
        "outputs": [output],
        "source": "1",
    }
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [cell]}))


def _client(address: str, token: str) -> httpx.Client:
    headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
    return httpx.Client(base_url=address, headers=headers, timeout=120)


def _preview(client: httpx.Client, notebook: str) -> None:
    client.post("jupyter-schedule/preview", json={"form": {"notebook": notebook}})


def _bother_together(address: str, token: str, stop: Event) -> None:
    threads = [threading.Thread(target=_bother, args=(address, token, stop)) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _bother(address: str, token: str, stop: Event) -> None:
    """Ask one thing after the other until it is enough."""
    deep = b'{"form": ' + b'{"a":[' * 80_000 + b"]}" * 80_000 + b"}"
    large = b'{"form": "' + b"x" * 20_000_000 + b'"}'
    with _client(address, token) as client:
        requests: tuple[Callable[[], object], ...] = (
            lambda: _preview(client, "large.ipynb"),
            lambda: client.post("jupyter-schedule/schedules", content=deep),
            lambda: client.post("jupyter-schedule/schedules", content=large),
            lambda: _preview(client, "endless.ipynb"),
        )
        for request in cycle(requests):
            if stop.is_set():
                return
            try:
                request()
            except httpx.HTTPError:
                time.sleep(PAUSE)  # a body that is too large is cut off


def _latencies(client: httpx.Client) -> list[float]:
    taken: list[float] = []
    end = time.monotonic() + LASTS
    while time.monotonic() < end:
        began = time.perf_counter()
        client.get("api")
        taken.append(time.perf_counter() - began)
        time.sleep(PAUSE)
    return taken


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
