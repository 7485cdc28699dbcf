"""The terminal: `jupyter schedule …`, one module for each group of verbs, on the client of the API."""

from jupyter_schedule.cli.app import main

__all__ = ["main"]
