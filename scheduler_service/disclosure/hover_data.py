"""Pages of charts without what they show when somebody points at them, rewritten as the charts' libraries write them.

Plotly, Altair (Vega-Lite), Bokeh and Folium keep rows for that beside what they draw.  Only what was understood to its
last sign is rewritten; all else stays as it is, and the check of the rewritten page says whether it may become public.
"""

import html
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

_SCRIPT = re.compile(r"(<script\b[^>]*>)(.*?)(</script[\s/>])", re.DOTALL | re.IGNORECASE)
_READER = json.JSONDecoder()
#: what Plotly shows of a point besides its place
_POINTED_AT = frozenset({"customdata", "hovertext", "hovertemplate"})
_PLOTLY = re.compile(r"\bPlotly\.(?:newPlot|react|addFrames)\(\s*(?:\"[\w-]+\"|'[\w-]+')\s*,\s*(?=\[)")
_OBJECT = re.compile(r"[=(,]\s*(?=\{\s*\")")
_VEGA_LITE = "vega.github.io/schema/vega-lite/"
#: what Vega-Lite shows and opens at a mark
_MARK_TOLD = frozenset({"tooltip", "href"})
_TEMPLATE = r"`[^`\\]*(?:\\.[^`\\]*)*`"
_FOLIUM = (
    (re.compile(r"\b\w+\.bindTooltip\(\s*" + _TEMPLATE + r"\s*,\s*\{[^{}]*\}\s*\)\s*;", re.DOTALL), ""),
    (re.compile(r"\b\w+\.bindPopup\(\s*popup_\w+\s*\)\s*;"), ""),
    (re.compile(r"(\bvar (?:html|i_frame)_\w+ = \$\()" + _TEMPLATE + r"(\)\[0\];)", re.DOTALL), r"\1`<div></div>`\2"),
    (re.compile(r"(\blet (?:fields|aliases) = )\[[^\[\]]*\](?=;)"), r"\1[]"),
)
_ADDED = re.compile(r"\bgeo_json_\w+_add\(\s*(?=\{)")
#: properties of a place that are how it is drawn
_DRAWN = frozenset({"style", "highlight"})


def without_hover_data(page: str) -> str | None:
    """The page without hover data, and without columns that its charts don't draw; None when there is none to take."""
    is_map = 'class="folium-map"' in page

    def rewrite(match: re.Match[str]) -> str:
        begin, script, end = match.groups()
        if "application/json" in begin:
            return begin + _bokeh(script) + end
        script = _vega_lite(_plotly(script))
        return begin + (_folium(script) if is_map else script) + end

    rewritten = _SCRIPT.sub(rewrite, page)
    return None if rewritten == page else rewritten


def _replace(script: str, begins: re.Pattern[str], change: Callable[[Any], bool]) -> str:
    """Write anew each JSON that stands after `begins` and that `change` has changed in place."""
    done: list[str] = []
    written = 0
    for match in begins.finditer(script):
        if match.end() < written:
            continue
        try:
            content, end = _READER.raw_decode(script, match.end())
        except (ValueError, RecursionError):
            continue
        if change(content):
            done += [script[written : match.end()], _written(content)]
            written = end
    return "".join(done) + script[written:]


def _written(content: Any) -> str:
    """JSON that ends no script."""
    return json.dumps(content, separators=(",", ":")).replace("<", "\\u003c").replace(">", "\\u003e")


def _plotly(script: str) -> str:
    def change(content: Any) -> bool:
        if not all(isinstance(each, dict) for each in content):
            return False
        framed = [each["data"] for each in content if isinstance(each.get("data"), list)]
        traces = [trace for each in (content, *framed) for trace in each if isinstance(trace, dict)]
        return sum(_strip_trace(trace) for trace in traces) > 0

    return _replace(script, _PLOTLY, change)


def _strip_trace(trace: dict[str, Any]) -> bool:
    kind = str(trace.get("type", "scatter"))
    told = set(_POINTED_AT)
    if kind.startswith("scatter"):
        told.add("ids")
        if "text" not in str(trace.get("mode", "text")):
            told.add("text")
    elif kind.startswith(("choropleth", "density", "heatmap")) and "texttemplate" not in trace:
        told.add("text")
    return _drop(trace, told)


def _drop(inner: dict[str, Any], names: Iterable[str]) -> bool:
    """Take those names out; True when one of them was there."""
    there = [name for name in names if name in inner]
    for name in there:
        del inner[name]
    return bool(there)


def _vega_lite(script: str) -> str:
    def change(content: Any) -> bool:
        if _VEGA_LITE not in str(content.get("$schema", "")):
            return False
        tables = list(_vega_tables(content))
        if not all(isinstance(row, dict) for rows in tables for row in rows):
            return False
        told = sum(_drop(each["encoding"], _MARK_TOLD) for each in _objects(content) if _is_drawn(each))
        used = _Used(content, skipped=tables)
        return told + sum(_keep_used(row, used) for rows in tables for row in rows) > 0

    return _replace(script, _OBJECT, change) if _VEGA_LITE in script else script


def _is_drawn(inner: dict[str, Any]) -> bool:
    return isinstance(inner.get("encoding"), dict)


def _vega_tables(spec: dict[str, Any]) -> Iterator[list[Any]]:
    """The rows in a chart: by their names, and where they are drawn."""
    named = spec.get("datasets")
    if isinstance(named, dict):
        yield from (rows for rows in named.values() if isinstance(rows, list))
    for each in _objects(spec):
        data = each.get("data")
        if isinstance(data, dict) and isinstance(data.get("values"), list):
            yield data["values"]


def _objects(content: Any) -> Iterator[dict[str, Any]]:
    waiting = [content]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, dict):
            yield inner
            waiting += inner.values()
        elif isinstance(inner, list):
            waiting += inner


class _Used:
    """The names that the drawing of a chart has anywhere, in its expressions too."""

    def __init__(self, content: Any, *, skipped: Iterable[list[Any]]) -> None:
        """skipped: lists in `content` that are rows of data."""
        rows = {id(each) for each in skipped}
        told: list[str] = []
        waiting = [content]
        while waiting:
            inner = waiting.pop()
            if isinstance(inner, str):
                told.append(inner.replace("\\", ""))
            elif isinstance(inner, dict):
                waiting += [*inner, *inner.values()]
            elif isinstance(inner, list) and id(inner) not in rows:
                waiting += inner
        self._told = "\n".join(told)
        self._known: dict[str, bool] = {}

    def __contains__(self, name: str) -> bool:
        if name not in self._known:
            plain = re.escape(name.replace("\\", ""))
            self._known[name] = re.search(rf"(?<!\w){plain}(?!\w)", self._told) is not None
        return self._known[name]


def _keep_used(row: dict[str, Any], used: _Used) -> bool:
    return _drop(row, [name for name in row if name not in used])


def _bokeh(script: str) -> str:
    try:
        content = json.loads(html.unescape(script))
    except (ValueError, RecursionError):
        return script
    documents = list(content.values()) if isinstance(content, dict) else []
    if not documents or not all(_is_bokeh(each) for each in documents):
        return script
    models = [each for each in _objects(content) if each.get("type") == "object"]
    entries = [found for model in models if (found := _bokeh_columns(model)) is not None]
    told = [model for model in models if model.get("name") == "HoverTool" and "attributes" in model]
    for tool in told:
        tool["attributes"] = {**tool["attributes"], "tooltips": None}
        tool["attributes"].pop("formatters", None)
    used = _Used(content, skipped=entries)
    for columns in entries:
        columns[:] = [column for column in columns if column[0] in used]
    return html.escape(json.dumps(content, separators=(",", ":")), quote=False) if told or entries else script


def _is_bokeh(document: Any) -> bool:
    """True of a document as Bokeh 3 writes it."""
    if not isinstance(document, dict) or not isinstance(document.get("roots"), list):
        return False
    return str(document.get("version", "")).startswith("3.")


def _bokeh_columns(model: dict[str, Any]) -> list[Any] | None:
    """The columns of a model that holds some, each a name and its values."""
    attributes = model.get("attributes")
    data = attributes.get("data") if isinstance(attributes, dict) else None
    entries = data.get("entries") if isinstance(data, dict) and data.get("type") == "map" else None
    if not isinstance(entries, list) or not model.get("name", "").endswith("DataSource"):
        return None
    named = all(isinstance(each, list) and len(each) == 2 and isinstance(each[0], str) for each in entries)
    return entries if named else None


def _folium(script: str) -> str:
    for pattern, instead in _FOLIUM:
        script = pattern.sub(instead, script)

    def change(content: Any) -> bool:
        features = content.get("features")
        if not isinstance(features, list):
            return False
        kept = [each["properties"] for each in features if isinstance(each, dict) and "properties" in each]
        names = {name for each in kept if isinstance(each, dict) for name in each} - _DRAWN
        drawn = {name for name in names if _is_asked(name, script)}
        return sum(_drop(each, names - drawn) for each in kept if isinstance(each, dict)) > 0

    return _replace(script, _ADDED, change)


def _is_asked(name: str, script: str) -> bool:
    """True when the map's code reads that property of a place."""
    plain = re.escape(name)
    return re.search(rf"\.properties(?:\.{plain}\b|\[[\"']{plain}[\"']\])", script) is not None
