"""Parquet files, row group by row group; they are read by pyarrow, where that is installed."""

from pathlib import Path

from scheduler_service.disclosure.file_types import Unreadable
from scheduler_service.disclosure.findings import FindingCollector
from scheduler_service.disclosure.tables import TableCheck

try:
    import pyarrow
    import pyarrow.parquet
except ImportError:
    pyarrow = None

BATCH = 2048


def check_parquet(path: Path, found: FindingCollector, smallest: int, limit: int, *, counts: bool) -> None:
    """Look at all rows.  Raises Unreadable without pyarrow, and for what it can't read.

    limit: bytes that all columns may unpack to.
    """
    if pyarrow is None:
        raise Unreadable("it is Parquet, and pyarrow isn't installed beside the service")
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            groups = (file.metadata.row_group(index) for index in range(file.metadata.num_row_groups))
            if sum(group.total_byte_size for group in groups) > limit:
                raise Unreadable(f"it is larger than {limit >> 20} MiB")
            names = [str(name) for name in file.schema_arrow.names]
            table = TableCheck(names, smallest, counts=counts, unit="row", reads_secrets=True)
            first = 1
            for batch in file.iter_batches(batch_size=BATCH):
                columns = [["" if value is None else str(value) for value in column.to_pylist()] for column in batch]
                table.feed(range(first, first + batch.num_rows), list(zip(*columns, strict=True)))
                first += batch.num_rows
    except (OSError, ValueError, pyarrow.ArrowException) as problem:
        raise Unreadable("it is Parquet that can't be read") from problem
    table.tell(found)
