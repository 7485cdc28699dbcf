"""What S3 asks for the requests of a publication: each file costs, however small it is."""

#: dollars of a request that writes, copies or lists, and of one that reads; Amazon's price in most regions, 2026
WRITE = 0.005 / 1000
READ = 0.0004 / 1000
#: a worker's upload, and a copy to the run's own address and to the stable one
WRITES = 3
#: looks at the file before and after
READS = 4
#: files from which on the cost is worth a word
MANY = 1000


def publishing(files: int) -> float:
    """Dollars for one publication of so many files on S3, storage and transfer left aside."""
    return files * (WRITES * WRITE + READS * READ)


def publishing_text(files: int) -> str:
    """`publishing 50,000 files costs about $0.83 for requests alone, each time`."""
    return f"publishing {files:,} files costs about ${publishing(files):.2f} for requests alone, each time"
