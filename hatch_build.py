"""The metadata that follow from the project's address, which whoever publishes it sets in pyproject.toml.

`[tool.jupyter-schedule] home`: without it the package names no address, and README's links stay as they are.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

#: a link or picture of Markdown that leads into the project
RELATIVE = re.compile(r"(!?)(\[[^\]]*\]\()(?!https?:|mailto:|#)([^)\s]+)")


def make_links_absolute(markdown: str, home: str) -> str:
    """README as it is read on an index: what leads into the project leads to its address."""

    def lead(found: re.Match[str]) -> str:
        picture, text, path = found.groups()
        return f"{picture}{text}{home}/{'raw' if picture else 'blob'}/main/{path}"

    return RELATIVE.sub(lead, markdown) if home else markdown


class ProjectMetadata(MetadataHookInterface):
    """README and the addresses."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Fill in `readme` and `urls`."""
        root = Path(self.root)
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
        home = str(project["tool"]["jupyter-schedule"]["home"]).rstrip("/")
        readme = (root / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": make_links_absolute(readme, home)}
        metadata["urls"] = (
            {"Homepage": home, "Documentation": f"{home}/tree/main/docs", "Issues": f"{home}/issues", "Source": home}
            if home
            else {}
        )
