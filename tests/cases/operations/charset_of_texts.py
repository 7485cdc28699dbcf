"""aws/aws-cli (many): texts and pages published without `charset=utf-8` are read as windows-1252 by browsers.

`DataFrame.to_html()` has no <meta charset>; a .csv or .txt can't have one.  Right: `text/…; charset=utf-8`.
Exit 0 when the type says so.
"""
import os, sys
sys.path.insert(0, os.getcwd())
from jupyter_schedule.core.storage.s3 import _described
bad = [n for n in ("table.html", "rows.csv", "rows.csv.gz", "notes.txt") if "charset" not in _described(n)["ContentType"].lower()]
for n in bad: print(n, _described(n)["ContentType"], "- no charset")
sys.exit(1 if bad else 0)
