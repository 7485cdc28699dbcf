"""nextstrain/ncov #686, conveyal/r5 #609: names ending in .bz2, .xz, .Z, .tgz published with a Content-Encoding.

HTTP knows gzip, br, deflate, compress, zstd as content codings; browsers know no bzip2 and no xz, so `notes.txt.xz` is
shown as text that is rubbish.  Right: these are files of type application/x-xz, x-bzip2, without an encoding; a
`.tar.gz` is what people want to keep packed (application/gzip).  Exit 0 when no made-up coding is sent.
"""
import os, sys
sys.path.insert(0, os.getcwd())
from jupyter_schedule.core.storage.s3 import _described

REGISTERED = {None, "gzip", "br", "deflate", "compress", "zstd"}
bad = []
for name in ("notes.txt.xz", "rows.csv.bz2", "model.tar.xz", "code.tgz", "code.tar.gz", "rows.csv.gz"):
    sent = _described(name)
    encoding = sent.get("ContentEncoding")
    print(f"{name:14} Content-Type: {sent['ContentType']:26} Content-Encoding: {encoding}")
    if encoding not in REGISTERED:
        bad.append(name)
sys.exit(1 if bad else 0)
