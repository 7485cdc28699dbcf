"""Files of other kinds than tables, in which nothing is to be found."""

import base64
import json
import random
from collections.abc import Iterator

from tests.scheduler_service.disclosure.invented import COUNTRIES, by_country, many, sha, uuid
from tests.scheduler_service.disclosure.pictures import PICTURES
from tests.scheduler_service.disclosure.pictures import picture as drawn
from tests.scheduler_service.disclosure.shapes import notebook, page, printed, separated, shown


def clean_files(rng: random.Random) -> Iterator[tuple[str, bytes]]:
    yield "output/empty.csv", b""
    for kind in PICTURES:
        yield f"output/plot.{kind.lower()}", drawn(kind)
    yield (
        "output/plot.svg",
        b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="460.8pt">\n'
        + b"".join(
            f'<path d="M {n}.{n} 12.5 L 3 4" style="stroke: #1f77b4" id="line2d_{n}"/>\n'.encode() for n in range(200)
        )
        + b"</svg>\n",
    )
    yield (
        "output/summary.txt",
        b"Date              2026-11-24\nWords             271\nMost frequent     that (13 times)\n",
    )
    yield (
        "output/README.md",
        (
            b"# Weekly report\n\nMade with pandas 2.2.3, Firefox 130.0.1.2 and driver version 31.0.15.4601.\n"
            b"`pip install git+ssh://git@code.invalid/team/report.git`\n\n@property and icon@2x.png are no addresses, "
            b"nor is 12:30:45 or ::1 or 127.0.0.1 or 0.0.0.0.\nContact: see the team's page.\n"
        ),
    )
    yield (
        "output/totals.json",
        json.dumps({"clients": {land: many(rng) for land in COUNTRIES}, "made": "2026-11-24"}).encode(),
    )
    yield "output/zones.geojson", json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {"region": land, "cases": many(rng)},
         "geometry": {"type": "Polygon", "coordinates": [[[rng.random(), rng.random()] for _ in range(9)]]}}
        for land in COUNTRIES]}).encode()  # fmt: skip
    yield (
        "output/config.yaml",
        b"password: ${DB_PASSWORD}\ntoken: <your token>\nsecret_name: projects/report\ntimeout: 30\n",
    )
    yield (
        "output/code.py",
        (
            b"import os\npassword = os.environ['PASSWORD']\ntoken = getpass('Token: ')\n"
            b"for a in x[::2]:\n    print(a)\n# version 1.2.3.4 of 2026\n"
        ),
    )
    yield (
        "output/build.json",
        json.dumps({"commit": sha(rng), "build": {"id": uuid(rng), "time": "2026-11-24T12:00:07Z"}}).encode(),
    )
    yield "output/checksums.txt", "".join(f"{sha(rng, 64)}  part-{n}.csv\n" for n in range(3)).encode()
    yield (
        "output/style.css",
        b"body { background: url(data:image/png;base64," + base64.b64encode(drawn("PNG")) + b") }\n",
    )
    yield (
        "report/log.txt",
        (
            "Executing:   0%|          | 0/6 [00:00<?, ?cell/s]\n[papermill] INFO - Starting new kernel\n"
            "Collecting pandas==2.2.3 --hash=sha256:" + sha(rng, 64) + "\nRead 336776 rows in 1.25 s\n"
            "Listening on http://127.0.0.1:8888/\n2026-11-24 12:00:07,123 INFO wrote output/weekly.csv\n"
        ).encode(),
    )
    names, rows = by_country(rng)
    plain = separated(names, rows[:5], " ")
    picture = {
        "output_type": "display_data",
        "metadata": {},
        "data": {"image/png": base64.b64encode(drawn("PNG")).decode()},
    }
    yield (
        "report/report.ipynb",
        notebook(
            ("month = 3\ntoken_count = 12", []),
            ("table", [shown(page(names, rows), plain)]),
            ("draw()", [picture, printed("done\n")]),
        ),
    )
    yield (
        "report/report.html",
        page(names, rows)
        .replace("</body>", f'<img src="data:image/png;base64,{base64.b64encode(drawn("JPEG")).decode()}"></body>')
        .encode(),
    )
    yield "output/latest.json", json.dumps({"manifest": "runs/20261124T120000Z-1f0c9a2b/manifest.json", "files": [
        {"path": f"w-{n}.csv", "size": many(rng), "sha256": sha(rng, 64)} for n in range(6)]}).encode()  # fmt: skip
