"""The beginning of a file that a run left: a table, JSON, or text, as far as a person looks at it.

What it takes is bounded, whatever the file is: the head of a text, and the first rows of Parquet.
"""

import csv
import io
import tempfile
import zlib
from pathlib import Path, PurePosixPath

from jupyter_schedule.api.context import ApiContext
from jupyter_schedule.api.files import run_file_key
from jupyter_schedule.api.responses import FilePreview
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.storage.factory import NoSuchObject

#: rows, columns, and characters of a cell that are shown
MOST_ROWS = 50
MOST_COLUMNS = 50
MOST_CHARACTERS = 200
#: bytes of a text that are read, of JSON that is shown folded, and of a Parquet file that is opened
HEAD_BYTES = 200_000
LARGEST_JSON = 1_000_000
LARGEST_PARQUET = 100_000_000
_SEPARATORS = ",;\t|"


def preview_run_file(context: ApiContext, run_id: str, path: str) -> FilePreview:
    """The beginning of `output/…` or `report/…`.  Raises Refused `no_such_file`, `files_removed`, `no_preview`."""
    key = run_file_key(context, run_id, path)
    objects = context.operations.objects
    size = objects.size(key)
    if size is None:
        raise Refused("no_such_file", "There is no such file: it was removed.", "file")
    suffixes = [suffix.lower() for suffix in PurePosixPath(path).suffixes]
    try:
        if suffixes[-1:] == [".parquet"]:
            with tempfile.TemporaryDirectory(prefix="jupyter-schedule-") as folder:
                local = Path(folder, "table.parquet")
                if size > LARGEST_PARQUET:
                    raise Refused("no_preview", "The file is too large to be shown here: download it.", "file")
                objects.fetch(key, local)
                return _preview_parquet(local)
        packed = suffixes[-1:] == [".gz"]
        is_json = suffixes[-1:] in ([".json"], [".geojson"])
        with objects.open(key) as stream:
            head = stream.read(LARGEST_JSON + 1 if is_json else HEAD_BYTES)
    except NoSuchObject:
        raise Refused("no_such_file", "There is no such file: it was removed.", "file") from None
    whole = len(head) == size
    if packed:
        head, suffixes = _unpacked(head), suffixes[:-1]
        whole = whole and len(head) < HEAD_BYTES
    text = head.decode("utf-8-sig", errors="replace")
    if suffixes[-1:] in ([".csv"], [".tsv"]):
        return preview_table(text, separator="\t" if suffixes[-1] == ".tsv" else None, whole=whole)
    if is_json and whole:
        return FilePreview(kind="json", text=text)
    return FilePreview(kind="text", text=text[:HEAD_BYTES], whole=whole)


def preview_table(text: str, *, separator: str | None, whole: bool) -> FilePreview:
    """The first rows of a CSV text.

    separator: None finds it in the first line.  whole: the text is all that the file has.
    """
    if not whole:
        # its last line may be half a line
        text = text.rpartition("\n")[0] or text
    first = text.partition("\n")[0]
    separator = separator or max(_SEPARATORS, key=first.count)
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row]
    except csv.Error:
        return FilePreview(kind="text", text=text[:HEAD_BYTES], whole=whole)
    header, *body = rows or [[]]
    return FilePreview(
        kind="table",
        columns=tuple(map(_cut, header[:MOST_COLUMNS])),
        rows=tuple(tuple(map(_cut, row[:MOST_COLUMNS])) for row in body[:MOST_ROWS]),
        all_rows=len(body) if whole else None,
        all_columns=len(header),
        whole=whole and len(body) <= MOST_ROWS and len(header) <= MOST_COLUMNS,
    )


def _preview_parquet(local: Path) -> FilePreview:
    try:
        # a fifth of a second to import, and not everybody has it
        import pyarrow  # noqa: PLC0415
        import pyarrow.parquet  # noqa: PLC0415
    except ImportError:
        raise Refused(
            "no_preview", "Parquet is shown where the server has pyarrow: pip install pyarrow.", "path"
        ) from None
    try:
        with pyarrow.parquet.ParquetFile(local) as file:
            names = list(file.schema_arrow.names)
            shown = names[:MOST_COLUMNS]
            batch = next(file.iter_batches(batch_size=MOST_ROWS, columns=shown), None)
            rows = [] if batch is None else batch.to_pylist()
            count = file.metadata.num_rows
    except (OSError, ValueError, pyarrow.ArrowException):
        raise Refused("no_preview", "The file isn't Parquet that can be read.", "file") from None
    return FilePreview(
        kind="table",
        columns=tuple(_cut(name) for name in shown),
        rows=tuple(tuple(_cut("" if row[name] is None else str(row[name])) for name in shown) for row in rows),
        all_rows=count,
        all_columns=len(names),
        whole=count <= len(rows) and len(names) <= MOST_COLUMNS,
    )


def _unpacked(head: bytes) -> bytes:
    """The beginning of what gzip packed, of which `head` is the beginning."""
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)
    except zlib.error:
        raise Refused("no_preview", "The file isn't gzip that can be read.", "file") from None


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"
