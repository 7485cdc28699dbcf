# ruff: noqa: B905, PTH100, PTH112, PTH113, PTH118, PTH119, PTH120, PTH122, PTH123, PTH208, UP031
# Python 3.8 has no zip(strict), and a script without pathlib starts sooner.
"""The installed packages that Python sources import: a script for the kernel's own interpreter, a module for our own.

Run by path with a request as JSON on standard input:

    {"sources": [Python], "folders": [absolute paths searched first for local modules],
     "wanted": [requirements, as name or name[extra]], "add_imported": bool, "freeze": bool}

It prints `MARK`, a line break and the answer as JSON, after whatever the interpreter's start-up prints:

    {"python": "3.11", "missing": [modules], "local": [files], "unpackaged": {module: path}, "used": {module: [names]},
     "packages": [{"name", "version", "direct": bool, "origin": direct_url.json or null, "folder"}]}

`packages` is the closure of `wanted` over what is installed, with `add_imported` also of what the sources import; with
`freeze` it is everything installed.  `direct` are those that the sources import.
Only the standard library is imported, and no code of the sources runs.  Works with Python 3.8 and newer.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
import tokenize
import warnings
from typing import Any, Iterable, Iterator, NamedTuple  # noqa: UP035  (Python 3.8)

MARK = "\x02jupyter-schedule\x03"
#: local modules that are followed, so that a whole tree of sources stays a short look
FILE_LIMIT = 500

#: packages that pandas and its kin load only when a method is called, when they are installed
ENGINES = {
    "plot": ("matplotlib",),
    "hist": ("matplotlib",),
    "boxplot": ("matplotlib",),
    "read_excel": ("openpyxl", "xlrd", "python-calamine"),
    "to_excel": ("openpyxl", "xlsxwriter"),
    "read_parquet": ("pyarrow", "fastparquet"),
    "to_parquet": ("pyarrow", "fastparquet"),
    "read_feather": ("pyarrow",),
    "to_feather": ("pyarrow",),
    "read_hdf": ("tables",),
    "to_hdf": ("tables",),
    "read_html": ("lxml", "html5lib", "beautifulsoup4"),
    "read_xml": ("lxml",),
    "read_sql": ("sqlalchemy",),
    "to_sql": ("sqlalchemy",),
    "to_markdown": ("tabulate",),
    "style": ("jinja2",),
    "open_dataset": ("netcdf4", "h5netcdf", "zarr"),
}


class Import(NamedTuple):
    """A module that a source imports."""

    #: dotted; of `from a import b` it is `a.b`, whether b is a module or not
    name: str
    #: how many dots a relative import starts with
    level: int
    line: int
    #: whether the source goes on without it
    optional: bool

    @property
    def top(self) -> str:
        return self.name.split(".")[0]


def find_imports(tree: ast.Module) -> Iterator[Import]:
    """Every import in `tree`, also inside functions, and `import_module` and `__import__` of literals.

    Optional are those in a `try` that catches their failure; those for type checkers only are left out.
    """
    stack: list[tuple[ast.AST, bool]] = [(node, False) for node in reversed(tree.body)]
    while stack:
        node, optional = stack.pop()
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, 0, node.lineno, optional)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                name = ".".join(part for part in (node.module, alias.name) if part and part != "*")
                yield Import(name, node.level, node.lineno, optional)
        elif isinstance(node, ast.Call):
            name = _dynamic(node)
            if name:
                yield Import(name, 0, node.lineno, optional)
        stack.extend(reversed(list(_children(node, optional))))


def _dynamic(call: ast.Call) -> str:
    """The literal that `importlib.import_module` or `__import__` is called with."""
    called = getattr(call.func, "attr", getattr(call.func, "id", ""))
    argument = call.args[0] if call.args else None
    if called in ("import_module", "__import__") and isinstance(argument, ast.Constant):
        return argument.value if isinstance(argument.value, str) and not argument.value.startswith(".") else ""
    return ""


def _children(node: ast.AST, optional: bool) -> Iterator[tuple[ast.AST, bool]]:
    if isinstance(node, ast.If) and "TYPE_CHECKING" in _names(node.test):
        yield from ((child, optional) for child in node.orelse)
        return
    guarded = node.body if isinstance(node, ast.Try) and any(map(_catches, node.handlers)) else ()
    for child in ast.iter_child_nodes(node):
        yield child, optional or child in guarded


def _catches(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    return bool(_names(handler.type) & {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


def _names(expression: ast.expr) -> set[str]:
    return {getattr(node, "id", getattr(node, "attr", "")) for node in ast.walk(expression)}


def parse(source: str) -> ast.Module | None:
    """The tree of `source`, None when it isn't Python for this interpreter."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def local_files(found: Import, folders: list[str], importer: str = "") -> list[str]:
    """The own files that importing `found` runs, from the outer package in; empty when it isn't a local module.

    folders: where local modules are looked for.  importer: the file that a relative import stands in.
    """
    if found.level:
        if not importer:
            return []
        base = importer
        for _ in range(found.level):
            base = os.path.dirname(base)
        folders = [base]
    for folder in folders:
        files: list[str] = []
        for part in found.name.split(".") if found.name else []:
            folder = os.path.join(folder, part)  # noqa: PLW2901  (goes one deeper)
            candidates = [path for path in (os.path.join(folder, "__init__.py"), folder + ".py") if _is_file(path)]
            files.extend(candidates[:1])
            if not os.path.isdir(folder):
                break
        if files:
            return files
    return []


def _is_file(path: str) -> bool:
    try:
        return os.path.isfile(path)
    except ValueError:
        return False


class Distribution:
    """An installed distribution, read from its metadata folder no sooner than needed."""

    def __init__(self, folder: str, version: str) -> None:
        self.folder = folder
        self.version = version
        self._texts: dict[str, str] = {}

    def text(self, *names: str) -> str:
        """The first of the files `names` that it has, else nothing."""
        key = names[0]
        if key not in self._texts:
            self._texts[key] = next(filter(None, (_content(os.path.join(self.folder, name)) for name in names)), "")
        return self._texts[key]

    @property
    def headers(self) -> str:
        whole = self.text("METADATA", "PKG-INFO") or (_content(self.folder) if os.path.isfile(self.folder) else "")
        return whole.split("\n\n")[0]

    @property
    def name(self) -> str:
        found = re.search(r"^Name:\s*(\S+)", self.headers, re.MULTILINE)
        return found.group(1) if found else os.path.basename(self.folder).split("-")[0]

    @property
    def requires(self) -> list[str]:
        listed = re.findall(r"^Requires-Dist:\s*(.+)$", self.headers, re.MULTILINE)
        if listed:
            return listed
        # an egg's: sections `[extra:marker]`, of which those without an extra are wanted
        sections = re.split(r"^\[([^\]]*)\]$", self.text("requires.txt"), flags=re.MULTILINE)
        plain = [sections[0], *(text for name, text in zip(sections[1::2], sections[2::2]) if name.startswith(":"))]
        return [line for text in plain for line in text.split("\n") if line.strip()]

    @property
    def origin(self) -> Any:
        """PEP 610's direct_url.json, None when it came from a package index."""
        try:
            return json.loads(self.text("direct_url.json"))
        except ValueError:
            return None

    def depth(self, module: str) -> int:
        """The number of parts of the dotted `module` it has files for, 0 when not even the first."""
        record = "\n" + (self.text("RECORD") or self.text("SOURCES.txt"))
        parts = module.split(".")
        for length in range(1, len(parts) + 1):
            path = re.escape("/".join(parts[:length]))
            if not re.search(r"\n%s(/|\.py[,\n]|\.[^/,\n]*(so|pyd)[,\n])" % path, record):
                return length - 1 or int(parts[0] in self.text("top_level.txt").split())
        return len(parts)


def _content(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().replace("\r\n", "\n")
    except OSError:
        return ""


def canonical(name: str) -> str:
    """PEP 503's one spelling of a distribution's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed(path: Iterable[str]) -> dict[str, Distribution]:
    """The distributions on the module search `path` by canonical name; the first of a name wins."""
    found: dict[str, Distribution] = {}
    for folder in path:
        try:
            names = sorted(os.listdir(folder or "."))
        except OSError:
            continue
        for name in names:
            stem, extension = os.path.splitext(name)
            if extension in (".dist-info", ".egg-info"):
                title, _, rest = stem.partition("-")
                distribution = Distribution(os.path.join(folder, name), re.sub(r"-py\d[\d.]*$", "", rest))
                if not rest:
                    version = re.search(r"^Version:\s*(\S+)", distribution.headers, re.MULTILINE)
                    distribution.version = version.group(1) if version else ""
                if distribution.version:
                    found.setdefault(canonical(title), distribution)
    return found


def scan(request: Any) -> Any:
    """The answer to a request, both as in this module's docstring."""
    local, names, attributes = _followed(request["sources"], request["folders"])
    distributions = installed(sys.path)
    used: dict[str, list[str]] = {}
    missing, unpackaged = [], {}
    for name, optional in names.items():
        top = name.split(".")[0]
        owners = [] if _standard(top) else _owners(name, distributions)
        path = None if owners or _standard(top) else _location(top)
        if path:
            owners = [key for key, found in distributions.items() if path.startswith(_source_folder(found) or "\0")]
        if owners:
            used[top] = sorted({*used.get(top, ()), *owners})
        elif path:
            unpackaged[top] = path
        elif not optional and not _standard(top):
            missing.append(top)
    direct = [*(key for keys in used.values() for key in keys), *_engines(used, attributes, distributions)]
    wanted = [*request["wanted"], *(direct if request["add_imported"] else ())]
    closure = distributions if request["freeze"] else _closure(wanted, distributions)
    return {
        "python": "%d.%d" % sys.version_info[:2],
        "missing": sorted(set(missing)),
        "local": local,
        "unpackaged": unpackaged,
        "used": used,
        "packages": [
            {
                "name": found.name,
                "version": found.version,
                "direct": key in direct,
                "origin": found.origin,
                "folder": found.folder,
            }
            for key, found in sorted(closure.items())
        ],
    }


def _followed(sources: list[str], folders: list[str]) -> tuple[list[str], dict[str, bool], set[str]]:
    """The local files that the sources import, directly or not; the other modules, with whether all imports of one are
    optional; and every attribute that is named.
    """
    queue = [(source, "") for source in sources]
    files: list[str] = []
    names: dict[str, bool] = {}
    attributes: set[str] = set()
    for source, importer in queue:
        tree = parse(source)
        if tree is None:
            continue
        attributes.update(node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute))
        for found in find_imports(tree):
            builtin = found.top in sys.builtin_module_names
            own = [] if builtin and not found.level else local_files(found, folders, importer)
            new = [path for path in own if path not in files][: FILE_LIMIT - len(files)]
            files.extend(new)
            queue.extend((read_source(path), path) for path in new)
            if not own and not found.level and found.name:
                names[found.name] = names.get(found.name, True) and found.optional
    return files, names, attributes


def read_source(path: str) -> str:
    """The text of a Python file in the encoding that it declares; empty when it can't be read."""
    try:
        with tokenize.open(path) as file:
            return file.read()
    except (OSError, SyntaxError, ValueError):
        return ""


def _standard(top: str) -> bool:
    """True where the module `top` comes with Python."""
    known = getattr(sys, "stdlib_module_names", None)
    if known is not None:
        return top in known or top == "__main__"
    location = _location(top) or ""
    return top in sys.builtin_module_names or (
        os.path.dirname(os.__file__) in location and "site-packages" not in location and "dist-packages" not in location
    )


def _owners(name: str, distributions: dict[str, Distribution]) -> list[str]:
    """The distributions that the dotted module `name` is from: of a namespace's those that know the most of it."""
    namesake = canonical(name.partition(".")[0])
    if namesake in distributions and distributions[namesake].depth(name):
        return [namesake]
    depths = {key: found.depth(name) for key, found in distributions.items()}
    deepest = max(depths.values(), default=0)
    return [key for key, depth in depths.items() if depth == deepest] if deepest else []


def _location(top: str) -> str | None:
    """The place that Python would load the module `top` from; the module isn't loaded."""
    import importlib.util  # noqa: PLC0415  (rarely needed, and a fifth of the script's time)

    try:
        spec = importlib.util.find_spec(top)
    except Exception:  # finders are anybody's code
        return None
    if spec is None:
        return None
    locations = list(spec.submodule_search_locations or ())
    return (locations[0] if locations else spec.origin) or top


def _source_folder(found: Distribution) -> str | None:
    """The folder that an editable distribution's code is in, with a separator at its end."""
    url = (found.origin or {}).get("url", "")
    if not url.startswith("file://"):
        return None
    from urllib.parse import unquote  # noqa: PLC0415  (rarely needed, and slow to load)

    return os.path.join(unquote(url[len("file://") :]), "")


def _engines(used: Iterable[str], attributes: set[str], distributions: dict[str, Distribution]) -> list[str]:
    """The installed packages that a data frame's methods load by themselves; of alternatives the first."""
    if not {"pandas", "geopandas", "xarray", "polars"} & set(used):
        return []
    alternatives = [ENGINES[attribute] for attribute in sorted(attributes & set(ENGINES))]
    first = [next((engine for engine in engines if engine in distributions), None) for engines in alternatives]
    return [engine for engine in first if engine]


def _closure(roots: Iterable[str], distributions: dict[str, Distribution]) -> dict[str, Distribution]:
    """The installed distributions that `roots` (names, with extras as `name[extra]`) need, themselves included.

    A requirement under any other condition than an extra counts when it is installed.
    """
    found: dict[str, Distribution] = {}
    queue = [_requirement(root) for root in roots]
    seen = set()
    for name, extras in queue:
        distribution = distributions.get(name)
        if distribution is None or (name, extras) in seen:
            continue
        seen.add((name, extras))
        found[name] = distribution
        for text in distribution.requires:
            asked = set(re.findall(r"extra\s*==\s*['\"]([^'\"]+)['\"]", text.partition(";")[2]))
            if not asked or asked & extras:
                queue.append(_requirement(text))
    return found


def _requirement(text: str) -> tuple[str, frozenset[str]]:
    """The canonical name and the extras of a requirement."""
    parts = re.match(r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[([^\]]*)\])?", text)
    if parts is None:
        return "", frozenset()
    extras = (extra.strip() for extra in (parts.group(2) or "").split(","))
    return canonical(parts.group(1)), frozenset(filter(None, extras))


def main() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    # run by path, Python would take the modules beside this script for installed ones
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != here]
    warnings.simplefilter("ignore")
    request = json.loads(sys.stdin.buffer.read().decode())
    sys.stdout.write("\n" + MARK + "\n" + json.dumps(scan(request)) + "\n")


if __name__ == "__main__":
    main()
