"""Files that belong together: of a data set of several files, or of a folder, one name stands for all.

A family is told by the ending of one member; the others have its stem, or its whole name, and another ending.
"""

import os
import posixpath
from collections.abc import Callable, Iterator
from pathlib import Path

#: by the ending of what is named: endings of the others, which take its place
_INSTEAD = {
    ".shp": "shx dbf prj cpg qix sbn sbx fbn fbx ain aih ixs mxs atx qpj shp.xml",
    ".tab": "dat map id ind",
    ".mif": "mid",
    ".hdr": "img dat bil bip bsq raw sta prj",
    ".img": "hdr ige rrd",
    ".bil": "hdr blw prj",
    ".bip": "hdr",
    ".bsq": "hdr",
    ".flt": "hdr prj",
    ".dem": "hdr prj",
    ".rst": "rdc",
    ".grd": "gri",
    ".tif": "tfw tifw aux wld prj",
    ".tiff": "tfw tiffw wld prj",
    ".jpg": "jgw jpgw wld prj",
    ".png": "pgw pngw wld prj",
    ".bam": "bai",
    ".cram": "crai",
    ".fa": "dict",
    ".fasta": "dict",
    ".bed": "bim fam",
    ".pgen": "pvar psam",
    ".mhd": "raw zraw",
    ".nhdr": "raw raw.gz",
    ".vhdr": "vmrk eeg dat",
    ".set": "fdt",
    ".hea": "dat atr qrs",
    ".gltf": "bin",
    ".obj": "mtl",
    ".xml": "bin",
    ".param": "bin",
    ".rdb": "rdx",
    ".faiss": "pkl",
    ".mtx": "barcodes.tsv",
    ".sas7bdat": "sas7bcat",
    ".edf": "edf.event",
    ".ctl": "grd",
    ".top": "itp",
}
#: by the ending of what is named: endings of the others, which come behind it
_BEHIND = {
    **dict.fromkeys((".tif", ".tiff", ".img", ".jpg", ".png", ".vrt", ".asc", ".grd"), "aux.xml ovr msk"),
    **dict.fromkeys((".db", ".sqlite", ".sqlite3", ".gpkg"), "-wal -shm -journal"),
    **dict.fromkeys((".duckdb",), "wal"),
    **dict.fromkeys((".gz", ".bgz", ".vcf", ".bed", ".gff"), "tbi csi gzi"),
    ".bam": "bai csi",
    ".cram": "crai",
    ".fa": "fai gzi",
    ".fasta": "fai gzi",
    ".fna": "fai gzi",
    ".bcf": "csi",
    ".ckpt": "index meta data-00000-of-00001",
    ".tfrecord": "idx",
    ".dvc": "",
}
#: a folder with such an ending is one data set
_FOLDER_ENDINGS = (
    ".zarr",
    ".n5",
    ".gdb",
    ".lance",
    ".delta",
    ".mdio",
    ".ome.zarr",
    ".parquet",
    ".icechunk",
    ".mlmodel",
)
#: and one in which such a file or folder is
_MARKERS = frozenset(
    {".zgroup", ".zarray", ".zmetadata", "zarr.json", "_delta_log", "_SUCCESS", "_metadata", "_common_metadata"}
    | {"saved_model.pb", "dataset_info.json", "dataset_dict.json", "__tiledb_group.tdb", "MLmodel"}
)
#: a file without an ending that stands for its family: `roads` of `roads.shp`
_HEADS = (".shp", ".hea", ".bed", ".pgen", ".index", ".vhdr", ".hdr", ".mhd", ".tab", ".rdb")


def find_relatives(path: str, names: Callable[[str], list[str]]) -> list[str]:
    """The other files of the family of `path`.

    names: lists a folder, relative as `path` is.
    """
    folder, name = posixpath.split(path)
    stem, ending = posixpath.splitext(name)
    wanted = {f"{stem}.{other}".lower() for other in _INSTEAD.get(ending.lower(), "").split()}
    for other in _BEHIND.get(ending.lower(), "").split():
        wanted.add((name + other if other.startswith("-") else f"{name}.{other}").lower())
    if not wanted:
        return []
    return [posixpath.join(folder, each) for each in names(folder) if each.lower() in wanted and each != name]


def find_heads(path: str, names: Callable[[str], list[str]]) -> list[str]:
    """The files that `path`, which isn't there and has no ending, stands for as the name of a family."""
    folder, name = posixpath.split(path)
    there = set(names(folder)) if name else set()
    return [posixpath.join(folder, name + ending) for ending in _HEADS if name + ending in there]


def is_data_set(folder: Path) -> bool:
    """True of a folder that is read as one thing: by its ending, or by what is in it."""
    if folder.name.lower().endswith(_FOLDER_ENDINGS):
        return True
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for _, entry in zip(range(1_000), entries, strict=False)]
    except OSError:
        return False
    partitions = [name for name in names if "=" in name.strip("=")]
    return bool(_MARKERS & set(names)) or (bool(partitions) and len(partitions) * 2 > len(names))


def walk_whole(root: Path, folder: str) -> Iterator[str]:
    """Every file below `folder`, hidden ones too, relative to `root`."""
    queue = [folder]
    for place in queue:
        try:
            entries = sorted(os.scandir(root / place), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            path = posixpath.join(place, entry.name)
            if entry.is_dir(follow_symlinks=False):
                queue.append(path)
            else:
                yield path
