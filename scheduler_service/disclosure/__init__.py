"""What must not become public: secrets, identifiers, rows of single people or events, counts of too few.

Pure: files in, findings out.  `tick` asks before a public schedule's outputs are promoted.
"""

from scheduler_service.disclosure.files import Limits, check_file

__all__ = ["RULES", "Limits", "check_file"]

#: grows with every change of what is found, so that answers of older rules aren't taken for today's
RULES = 1
