"""The pictures that Markdown cells show from files: which they are, and their place in the text."""

import re
from collections.abc import Callable
from urllib.parse import unquote

#: code, in which Markdown is shown and not meant
_CODE = re.compile(r"^( {0,3})(```+|~~~+).*?(?:^ {0,3}\2|\Z)|(?<!`)(`+)(?!`).*?(?<!`)\3(?!`)", re.DOTALL | re.MULTILINE)
_PICTURE = re.compile(
    r"""(?P<before>!\[[^\]]*\]\(\s*)(?:<(?P<bracketed>[^<>\n]+)>|(?P<plain>[^\s()<>]+(?:\([^\s()]*\)[^\s()<>]*)*))
        (?P<after>(?:\s+(?:"[^"]*"|'[^']*'|\([^()]*\)))?\s*\))"""
    r"""|(?P<tag><img\b[^>]*?\bsrc\s*=\s*)(?P<quote>["'])(?P<source>[^"']+)(?P=quote)""",
    re.VERBOSE | re.IGNORECASE,
)
_TAG = re.compile(
    r"""(?P<tag><img\b[^>]{0,2000}?\bsrc\s*=\s*)(?P<quote>["'])(?P<source>[^"']{1,2000})(?P=quote)""", re.IGNORECASE
)
#: the definition that `![x][name]` refers to
_DEFINITION = re.compile(r"^ {0,3}\[[^\]]+\]:[ \t]*<?(?P<target>[^\s<>]+)>?", re.MULTILINE)
_PICTURE_SUFFIX = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|bmp|avif|ico|tiff?)\Z", re.IGNORECASE)
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//|/|#|\Z", re.IGNORECASE)


def find_pictures(text: str) -> list[str]:
    """The files that a Markdown text shows, relative to its notebook, in order; addresses and attachments are none."""
    plain = _CODE.sub("", text)
    named = [match["bracketed"] or match["plain"] or match["source"] for match in _PICTURE.finditer(plain)]
    defined = [match["target"] for match in _DEFINITION.finditer(plain)]
    paths = [*map(read_path, named), *(path for path in map(read_path, defined) if _PICTURE_SUFFIX.search(path or ""))]
    return list(dict.fromkeys(path for path in paths if path))


def read_path(target: str) -> str | None:
    """The file that an address in Markdown means; None for one that is elsewhere."""
    if _ELSEWHERE.match(target):
        return None
    return unquote(re.split(r"[?#]", target, maxsplit=1)[0]) or None


def replace_pictures(text: str, attach: Callable[[str], str | None], inline: Callable[[str], str | None]) -> str:
    """The text with other addresses for its pictures: `attach`'s in Markdown, `inline`'s in HTML; None leaves one."""

    def replace(match: re.Match[str]) -> str:
        if match["tag"]:
            new = inline(match["source"])
            return match[0] if new is None else f"{match['tag']}{match['quote']}{new}{match['quote']}"
        new = attach(match["bracketed"] or match["plain"])
        return match[0] if new is None else f"{match['before']}{new}{match['after']}"

    def define(match: re.Match[str]) -> str:
        is_picture = _PICTURE_SUFFIX.search(read_path(match["target"]) or "")
        new = attach(match["target"]) if is_picture else None
        return match[0] if new is None else match[0].replace(match["target"], new)

    return _sub_outside_code(_DEFINITION, define, _sub_outside_code(_PICTURE, replace, text))


def replace_in_html(html: str, inline: Callable[[str], str | None]) -> str:
    """HTML with `inline`'s addresses for its pictures; None leaves one."""

    def replace(match: re.Match[str]) -> str:
        new = inline(match["source"])
        return match[0] if new is None else f"{match['tag']}{match['quote']}{new}{match['quote']}"

    return _TAG.sub(replace, html)


def _sub_outside_code(pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str], text: str) -> str:
    code = [(match.start(), match.end()) for match in _CODE.finditer(text)]

    def outside(match: re.Match[str]) -> str:
        return match[0] if any(start <= match.start() < end for start, end in code) else replace(match)

    return pattern.sub(outside, text)
