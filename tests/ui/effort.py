"""What a task costs a person: clicks, keys and turns of the wheel, counted where they arrive, in the page."""

from typing import NamedTuple

from playwright.sync_api import Locator, Page, Response

#: a chord such as Ctrl+A is one key
COUNT = """
window.effort = {clicks: 0, keys: 0, scrolls: 0};
const count = (type, kind, counts) =>
  addEventListener(type, event => { if (event.isTrusted && counts(event)) window.effort[kind]++; }, true);
count('pointerdown', 'clicks', () => true);
count('keydown', 'keys', ({key}) => !['Control', 'Shift', 'Alt', 'Meta'].includes(key));
count('wheel', 'scrolls', () => true);
"""
#: how far a person has to scroll, and where: null when the element can be clicked as it is
HIDDEN_BY = """element => {
  const box = element.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
  const top = document.elementFromPoint(x, y);
  if (top && (element.contains(top) || top.contains(element) || element.labels && [...element.labels].includes(top)))
    return null;
  for (let frame = element.parentElement; frame; frame = frame.parentElement) {
    const around = frame.getBoundingClientRect();
    if (frame.scrollHeight > frame.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(frame).overflowY))
      return [around.x + around.width / 2, around.y + around.height / 2, y - around.y - around.height / 2];
  }
  return null;
}"""


class Effort(NamedTuple):
    """How much of each."""

    clicks: int
    keys: int
    scrolls: int


class Person:
    """Somebody at a page that is still to be opened."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.add_init_script(COUNT)

    def click(self, target: Locator) -> None:
        """Click what is in view; scroll first where it isn't."""
        target.wait_for()
        hidden = target.evaluate(HIDDEN_BY)
        if hidden is not None:
            x, y, far = hidden
            self.page.mouse.move(x, y)
            self.page.mouse.wheel(0, far)
        target.click()

    def press(self, *keys: str) -> None:
        """Press keys one after the other, such as `Control+a` or `7`."""
        for key in keys:
            self.page.keyboard.press(key)

    def spent(self) -> Effort:
        """What was done since the page was opened, or since this was last asked."""
        text = "(old => { window.effort = {clicks: 0, keys: 0, scrolls: 0}; return old; })(window.effort)"
        return Effort(**self.page.evaluate(text))


class Traffic:
    """What a page fetches of an extension: its scripts, and the answers of its API, in bytes."""

    def __init__(self, page: Page, extension: str, api: str) -> None:
        self._extension = f"/lab/extensions/{extension}/static/"
        self._api = f"/{api}/"
        self.scripts: list[int] = []
        self.answers: dict[str, int] = {}
        page.on("response", self._hear)

    def _hear(self, response: Response) -> None:
        address = response.url.partition("?")[0]
        if self._extension in address and address.endswith(".js"):
            self.scripts.append(len(response.body()))
        elif self._api in address and "/lab/" not in address:
            self.answers[f"{response.request.method} {address.rpartition(self._api)[2]}"] = len(response.body())


def ready(page: Page) -> None:
    """The open notebook is drawn."""
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
