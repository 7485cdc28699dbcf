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
_CENT = 0.01


def publishing(files: int) -> float:
    """Dollars for one publication of so many files on S3, storage and transfer left aside."""
    return files * (WRITES * WRITE + READS * READ)


def publishing_text(files: int) -> str:
    """`publishing 50,000 files costs about $0.83 for requests alone, each time`."""
    dollars = publishing(files)
    price = f"about ${dollars:.2f}" if dollars >= _CENT else f"less than ${_CENT}"
    return f"publishing {_number(files)} costs {price} for requests alone, each time"


def too_many_text(who: str, files: int, most: int) -> str:
    """The sentence that refuses what is more than a run may publish; `who`: such as `The run left`."""
    return (
        f"{who} {_number(files)}, and {most:,} may be published ({publishing_text(files)}): "
        "pack them into one, or have an operator raise areas.most_files."
    )


def told_before(who: str, files: int, most: int) -> str:
    """The sentence about a run that will leave about so many files."""
    if files > most:
        return too_many_text(who, files, most)
    return f"{who} {_number(files)}; {publishing_text(files)}."


def untold_text(most: int) -> str:
    """The sentence where nothing tells how many files there will be."""
    return (
        f"A run's files are counted when it has ended: {publishing_text(MANY)}, and a run with more than "
        f"{most:,} isn't published."
    )


def _number(files: int) -> str:
    return f"{files:,} file{'s' * (files != 1)}"
