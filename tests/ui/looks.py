"""What can be seen of a view without a person: pictures to look at, what axe finds, and what doesn't fit."""

from functools import cache
from pathlib import Path

from playwright.sync_api import Locator, Page

ROOT = Path(__file__).parents[2]
#: left behind by every run of the tests, to be looked at
PICTURES = ROOT / ".dev" / "screenshots"
#: landmarks of the whole page are JupyterLab's own
RULES = {"region": {"enabled": False}, "target-size": {"enabled": True}}
_VIOLATIONS = """async ([element, rules]) => (await axe.run(element, {rules})).violations.flatMap(
  ({id, nodes}) => nodes.map(({html, any}) => `${id}: ${html.slice(0, 200)} ${any[0]?.message ?? ''}`))"""
#: code keeps its lines and a table its columns, and both scroll by themselves; anything else must fit
_TOO_WIDE = """frame => [...frame.querySelectorAll('*')].filter(element => {
  const style = getComputedStyle(element);
  const scrolls = element.closest('.jp-Schedule-hidden, pre, iframe, .jp-Schedule-table table');
  const hidden = scrolls || style.position === 'absolute';
  return !hidden && element.getBoundingClientRect().right > frame.getBoundingClientRect().right + 1;
}).map(element => `too wide: ${element.outerHTML.slice(0, 200)}`)"""


@cache
def _axe() -> str:
    return (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()


def violations(page: Page, frame: Locator) -> list[str]:
    """What axe finds in `frame`."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe())
    found: list[str] = page.evaluate(_VIOLATIONS, [frame.element_handle(), RULES])
    return found


def too_wide(frame: Locator) -> list[str]:
    """What reaches beyond the end of `frame`."""
    found: list[str] = frame.evaluate(_TOO_WIDE)
    return found


def picture(frame: Locator, name: str) -> None:
    """Keep what it looks like."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    frame.screenshot(path=PICTURES / f"{name}.png", animations="disabled")
