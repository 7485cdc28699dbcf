"""One table in many shapes: delimiters, encodings, JSON, compressed, in pages and notebooks, Parquet."""

import bz2
import csv
import gzip
import io
import json
import lzma
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

Row = Sequence[object]
#: name of the shape → ending of the file's name, and the table as bytes
Shape = tuple[str, Callable[[Sequence[str], Sequence[Row]], bytes]]


def separated(names: Sequence[str], rows: Sequence[Row], sign: str = ",", end: str = "\n", **options: Any) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=sign, lineterminator=end, **options)
    if names:
        writer.writerow(names)
    writer.writerows(rows)
    return out.getvalue()


def records(names: Sequence[str], rows: Sequence[Row]) -> list[dict[str, object]]:
    return [dict(zip(names, row, strict=True)) for row in rows]


def nested(names: Sequence[str], rows: Sequence[Row]) -> dict[str, object]:
    return {"meta": {"made": "2026-11-24", "schema": 2}, "result": {"items": records(names, rows), "pages": 1}}


def page(names: Sequence[str], rows: Sequence[Row]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>\n" for row in rows)
    table = f'<table border="1" class="dataframe">\n<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>'
    style = "<style>td { color: #a1b2c3 }</style><script>window.x = [1, 2, 3];</script>"
    head = f"<head><title>Report</title>{style}</head>"
    return f"<!DOCTYPE html>\n<html>{head}<body><h1>Report</h1>\n{table}\n</body></html>"


def notebook(*cells: tuple[str, Sequence[dict[str, Any]]]) -> bytes:
    """Cells of source and outputs."""
    content = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}, "papermill": {"duration": 4.4}},
        "cells": [{"cell_type": "markdown", "id": "0", "metadata": {}, "source": ["# Report\n", "By week."]}]
        + [
            {
                "cell_type": "code",
                "id": str(number),
                "metadata": {},
                "execution_count": number,
                "source": source.splitlines(keepends=True),
                "outputs": list(outputs),
            }
            for number, (source, outputs) in enumerate(cells, 1)
        ],
    }
    return json.dumps(content, indent=1, ensure_ascii=False).encode()


def shown(html: str, plain: str = "") -> dict[str, Any]:
    return {
        "output_type": "execute_result",
        "execution_count": 1,
        "metadata": {},
        "data": {"text/html": html.splitlines(keepends=True), "text/plain": plain.splitlines(keepends=True)},
    }


def printed(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text.splitlines(keepends=True)}


def _frame(names: Sequence[str], rows: Sequence[Row]) -> bytes:
    return notebook(("import pandas as pd\n", []), ("table", [shown(page(names, rows), separated(names, rows, " "))]))


def _parquet(names: Sequence[str], rows: Sequence[Row]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    columns = [list(column) for column in zip(*rows, strict=True)]
    pq.write_table(pa.table({name: pa.array(column) for name, column in zip(names, columns, strict=True)}), out)
    return out.getvalue()


def _json(value: object, **options: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, **options).encode()


def _lines(names: Sequence[str], rows: Sequence[Row]) -> bytes:
    return b"".join(_json(record) + b"\n" for record in records(names, rows))


SHAPES: list[Shape] = [
    (".csv", lambda names, rows: separated(names, rows).encode()),
    (".csv", lambda names, rows: separated(names, rows, end="\r\n").encode("utf-8-sig")),
    (".csv", lambda names, rows: separated(names, rows, ";").encode("cp1252", "replace")),
    (".csv", lambda names, rows: separated(names, rows, ";", quoting=csv.QUOTE_ALL).encode()),
    (".csv", lambda names, rows: separated(names, rows, "\t").encode("utf-16")),
    (".csv", lambda names, rows: ("# made by the daily report\n" + separated(names, rows)).encode()),
    (".tsv", lambda names, rows: separated(names, rows, "\t").encode()),
    (".tsv", lambda names, rows: separated(names, rows, "\t").encode("utf-16-le")),
    (".txt", lambda names, rows: separated(names, rows, "|").encode()),
    (".csv.gz", lambda names, rows: gzip.compress(separated(names, rows).encode(), mtime=0)),
    (".csv.bz2", lambda names, rows: bz2.compress(separated(names, rows).encode())),
    (".tsv.xz", lambda names, rows: lzma.compress(separated(names, rows, "\t").encode())),
    (".json", lambda names, rows: _json(records(names, rows))),
    (".json", lambda names, rows: _json(records(names, rows), indent=2)),
    (".json", lambda names, rows: _json(nested(names, rows))),
    (".json", lambda names, rows: _json({"columns": list(names), "data": [list(row) for row in rows]})),
    (".json.gz", lambda names, rows: gzip.compress(_json(records(names, rows)), mtime=0)),
    (".jsonl", _lines),
    (".ndjson.gz", lambda names, rows: gzip.compress(_lines(names, rows), mtime=0)),
    (".html", lambda names, rows: page(names, rows).encode()),
    (".ipynb", _frame),
    (".parquet", _parquet),
]
