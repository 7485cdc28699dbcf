"""The documentation as pages for a browser: `./dev docs` builds them in `.dev/docs`, and takes warnings for errors."""

project = "jupyter-schedule"
author = "jupyter-schedule contributors"
copyright = author  # noqa: A001 - Sphinx's own name
extensions = ["myst_parser"]
html_theme = "pydata_sphinx_theme"
html_title = project
#: headings that links lead to
myst_heading_anchors = 4
exclude_patterns = ["decisions/README.md"]
html_theme_options = {"show_prev_next": False, "secondary_sidebar_items": ["page-toc"]}
#: links out of the documentation, into the project: a test sees that each leads somewhere
suppress_warnings = ["myst.xref_missing"]
