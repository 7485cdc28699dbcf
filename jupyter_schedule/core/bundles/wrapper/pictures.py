"""The pictures of Markdown cells.  In a bundle the module itself stands here, since nothing else of ours is there."""

from jupyter_schedule.core.notebooks.pictures import read_path, replace_in_html, replace_pictures

__all__ = ["read_path", "replace_in_html", "replace_pictures"]
