"""Secrets, and what nobody can look into.

They are put together from parts while the tests run, so that nobody's scanner takes this file for a leak.
"""

import base64
import gzip
import io
import json
import pickle
import random
import tarfile
import zipfile
from collections.abc import Iterator

from jupyter_schedule.core.models import FindingKind
from tests.scheduler_service.disclosure.invented import Case
from tests.scheduler_service.disclosure.shapes import notebook, printed, separated


def _letters(
    rng: random.Random, number: int, alphabet: str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
) -> str:
    return "".join(rng.choice(alphabet) for _ in range(number - 2)) + "a7"


def _jwt(rng: random.Random) -> str:
    parts = [{"alg": "HS256", "typ": "JWT"}, {"sub": "1", "iat": rng.randrange(10**9)}]
    texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*texts, base64.urlsafe_b64encode(rng.randbytes(32)).decode().rstrip("=")])


def secrets_of(rng: random.Random) -> dict[str, str]:
    upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    small = "abcdef0123456789"
    return {
        "aws key": "AK" + "IA" + _letters(rng, 18, upper)[:14] + "Q7",
        "aws secret": "aws_secret_access" + f"_key = {_letters(rng, 40)}",
        "azure": "Account" + "Key=" + base64.b64encode(rng.randbytes(64)).decode(),
        "github": "gh" + "p_" + _letters(rng, 36),
        "github fine": "github" + "_pat_" + _letters(rng, 60),
        "gitlab": "gl" + "pat-" + _letters(rng, 20),
        "slack": "xo" + "xb-" + "123456789012-" + _letters(rng, 24),
        "slack hook": "https://hooks.slack"
        + ".com/services/T"
        + _letters(rng, 8, upper)
        + "/B"
        + _letters(rng, 8, upper)
        + "/"
        + _letters(rng, 24),
        "google": "AI" + "za" + _letters(rng, 35),
        "stripe": "sk" + "_live_" + _letters(rng, 24),
        "hugging face": "hf" + "_" + _letters(rng, 36),
        "openai": "sk" + "-proj-" + _letters(rng, 48),
        "anthropic": "sk" + "-ant-api03-" + _letters(rng, 60),
        "sendgrid": "SG" + "." + _letters(rng, 22) + "." + _letters(rng, 43),
        "npm": "//registry.invalid/:_auth" + "Token=npm_" + _letters(rng, 36),
        "pypi": "py" + "pi-AgEIcHlwaS5vcmc" + _letters(rng, 80),
        "twilio": "S" + "K" + _letters(rng, 32, small),
        "mailchimp": _letters(rng, 32, small) + "-us" + "12",
        "telegram": "1234567890" + ":" + _letters(rng, 35),
        "jwt": _jwt(rng),
        "private key": "-----BEGIN " + "RSA PRIVATE" + " KEY-----",
        "openssh key": "-----BEGIN OPENSSH" + " PRIVATE KEY-----",
        "address": "postgresql://report:" + _letters(rng, 12) + "@db.internal/warehouse",
        "password": 'password = "' + _letters(rng, 14) + '"',
        "passwort": "Passwort: " + _letters(rng, 12),
        "contraseña": 'contraseña = "' + _letters(rng, 12) + '"',
        "api key": "api_key=" + _letters(rng, 32),
        "token": '"token": "' + _letters(rng, 30) + '"',
        "bearer": "Authorization: Bearer " + _letters(rng, 40),
    }


def secrets(rng: random.Random) -> Iterator[Case]:
    for what, secret in secrets_of(rng).items():
        line = f"2026-11-24 12:00:07 connecting with {secret}\n" if what != "telegram" else f"{secret}\n"
        noise = "".join(f"2026-11-24 12:00:{n:02} read {n} parts\n" for n in range(50))
        plain = secret.replace('"', "")
        places = {
            "log.txt": (noise + line + noise).encode(),
            "notes.txt": (noise + f"{secret}\n").encode("utf-16"),
            "table.csv": separated(
                ("date", "note", "clients"), [("2026-11-24", plain, 12), *[("2026-11-25", "", 31)] * 9]
            ).encode(),
            "long.json": json.dumps({"config": {"deep": [{"x": 1, "y": [{"use": secret}]}]}, "clients": 120}).encode(),
            "log.gz": gzip.compress((noise * 3 + line).encode(), mtime=0),
            "run.ipynb": notebook(("x = 1", []), (f"# {secret}\nconnect()", [printed("ok\n")])),
            "out.ipynb": notebook(("show()", [printed(f"{noise}{line}")])),
            "page.html": f"<html><script>var c = {json.dumps(secret)};\n{plain}\n</script><p>ok</p></html>".encode(),
        }
        for path, data in rng.sample(list(places.items()), 4):
            if what == "telegram" and path not in {"notes.txt", "log.gz", "log.txt"}:
                continue
            yield Case(f"secret {what} {path}", f"output/{path}", data, FindingKind.SECRET)


def unreadable(rng: random.Random) -> Iterator[Case]:
    def archive() -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz") as tar:
            tar.addfile(tarfile.TarInfo("a.csv"), io.BytesIO(b""))
        return out.getvalue()

    def zipped() -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as file:
            file.writestr("xl/sharedStrings.xml", "<sst/>")
        return out.getvalue()

    packed = gzip.compress(b"a,b\n1,2\n" * 5000, mtime=0)
    bomb = gzip.compress(gzip.compress(gzip.compress(b"0" * 1_000_000)))
    files = {
        "book.xlsx": zipped(), "a.zip": zipped(), "a.tar.gz": archive(), "cut.csv.gz": packed[: len(packed) // 2],
        "bent.csv.gz": packed[:20] + b"\0\0\0" + packed[23:], "report.pdf": b"%PDF-1.7\n" + rng.randbytes(3000),
        "model.pkl": pickle.dumps({"a": 1}), "noise.bin": rng.randbytes(5000), "plot.png": rng.randbytes(5000),
        "notes.txt": rng.randbytes(5000), "a.sqlite": b"SQLite format 3\0" + bytes(96), "bomb.gz": bomb,
        "a.npy": b"\x93NUMPY\x01\0" + rng.randbytes(200), "bad.parquet": b"PAR1" + rng.randbytes(200),
        "secret.txt": b"-----BEGIN PGP MESSAGE-----\n\n" + base64.b64encode(rng.randbytes(600)) + b"\n",
        "half.jsonl": b'{"a": 1}\n{"a": 2}\n{"a": \n', "a.zst": b"\x28\xb5\x2f\xfd" + rng.randbytes(300),
    }  # fmt: skip
    for name, data in files.items():
        yield Case(f"unreadable {name}", f"output/{name}", data, FindingKind.UNCHECKED)
