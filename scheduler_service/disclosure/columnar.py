"""Parquet and Arrow files, some rows at a time; they are read by pyarrow, where that is installed."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scheduler_service.disclosure.file_types import Unreadable
from scheduler_service.disclosure.findings import FindingCollector
from scheduler_service.disclosure.lines import of_lines
from scheduler_service.disclosure.readings import as_text
from scheduler_service.disclosure.tables import TableCheck
from scheduler_service.disclosure.text import TextCheck

try:
    import pyarrow
    import pyarrow.ipc
    import pyarrow.parquet
except ImportError:
    pyarrow = None

BATCH = 2048


def check_columnar(path: Path, found: FindingCollector, smallest: int, limit: int, *, counts: bool) -> None:
    """Look at all rows and at what is noted of them.  Raises Unreadable without pyarrow, and for what it can't read.

    limit: bytes that all columns may unpack to.
    """
    if pyarrow is None:
        raise Unreadable("it is Parquet, and pyarrow isn't installed beside the service")
    with path.open("rb") as stream:
        is_parquet = stream.read(4) == b"PAR1"
    try:
        if is_parquet:
            with pyarrow.parquet.ParquetFile(path) as file:
                groups = (file.metadata.row_group(index) for index in range(file.metadata.num_row_groups))
                if sum(group.total_byte_size for group in groups) > limit:
                    raise Unreadable(f"it is larger than {limit >> 20} MiB")
                _check_notes(found, file.schema_arrow, file.metadata.metadata or {})
                _check_batches(file.schema_arrow, file.iter_batches(batch_size=BATCH), found, smallest, counts=counts)
        else:
            with pyarrow.ipc.open_file(path) as file:
                _check_notes(found, file.schema, file.schema.metadata or {})
                batches = (_bounded(file.get_batch(index), limit) for index in range(file.num_record_batches))
                _check_batches(file.schema, batches, found, smallest, counts=counts)
    except (OSError, ValueError, pyarrow.ArrowException) as problem:
        raise Unreadable("it is Parquet or Arrow that can't be read") from problem


def _bounded(batch: Any, limit: int) -> Any:
    if batch.nbytes > limit:
        raise Unreadable(f"it is larger than {limit >> 20} MiB")
    return batch


def _check_notes(found: FindingCollector, schema: Any, notes: Mapping[bytes, bytes]) -> None:
    """The names of columns, and what is noted of the file and of each."""
    every = [notes, schema.metadata or {}, *(field.metadata or {} for field in schema)]
    noted = [value for each in every for key, value in each.items() if key != b"ARROW:schema"]
    texts = [*map(str, schema.names), *(value.decode("utf-8", "replace") for value in noted)]
    text = TextCheck(found)
    for told in texts:
        text.all(of_lines([(None, line) for line in told.splitlines()]))
    text.tell()


def _check_batches(
    schema: Any, batches: Iterator[Any], found: FindingCollector, smallest: int, *, counts: bool
) -> None:
    names = [str(name) for name in schema.names]
    table = TableCheck(names, smallest, counts=counts, unit="row", reads_secrets=True)
    first = 1
    for batch in batches:
        columns = [[_text(value) for value in column.to_pylist()] for column in batch]
        table.feed(range(first, first + batch.num_rows), list(zip(*columns, strict=True)))
        first += batch.num_rows
    table.tell(found)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return as_text(value) or value.decode("latin-1")
    return str(value)
