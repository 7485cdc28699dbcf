"""jupyter-schedule: an analysis, run by the clock, its results at a stable address.

Importing this package, or `jupyter_schedule.core`, loads no Jupyter server, no widget library and no cloud SDK.
"""

__version__ = "0.1.0"
