"""On Ubuntu's image for clouds as it is: what machines of a stock deployment are."""

from pathlib import Path

import pytest

from jupyter_schedule.core.models import RunStatus
from tests.bare_machine.image import INDEX_PORT, missing
from tests.bare_machine.index import UBUNTU_PYTHON, package_index, serving, with_pythons
from tests.bare_machine.network import HERE
from tests.bare_machine.team import Team

pytestmark = [
    pytest.mark.bare_machine,
    pytest.mark.s3,
    pytest.mark.ubuntu,
    pytest.mark.proof("machines"),
    pytest.mark.skipif(missing() is not None, reason=missing() or ""),
]


def test_a_notebook_runs_and_its_other_python_is_told_and_then_it_needs_no_index(team: Team) -> None:
    """Its packages are pinned for the Python of the analyst, which is another one than Ubuntu's."""
    made = team.sample()
    with team.packages_of(made, UBUNTU_PYTHON), team.service():
        run = team.run("flights")
        ended = team.ended(run)
        assert ended.status == RunStatus.SUCCEEDED, team.log(run)
        team.machine_of(run).wait(60)
    assert {"weekly.csv", "weekly.png"} <= set(team.names("flights"))
    assert ended.message
    assert "with Python 3.12.3 instead of 3." in ended.message
    assert "making the runner environment" in team.log(run)
    with team.service():
        again = team.run("flights")
        ended = team.ended(again)
        assert ended.status == RunStatus.SUCCEEDED, team.log(again)
        team.machine_of(again).wait(60)
    assert "using the kept environment of the kernel and the runner" in team.log(again)
    assert "making" not in team.log(again)
    assert team.cloud.living == []


def test_the_pinned_python_comes_from_where_the_operator_says(
    team: Team, debian: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pins = team.pins(team.sample())
    # the runner has Ubuntu's Python, the kernel the fetched one
    indexes = [package_index(pins), package_index(pins, UBUNTU_PYTHON)]
    index = with_pythons(indexes, tmp_path / "index", debian)
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS_JSON_URL", f"http://{HERE}:{INDEX_PORT}/pythons/downloads.json")
    with serving(index), team.service():
        run = team.run("flights")
        ended = team.ended(run)
    log = team.log(run)
    assert ended.status == RunStatus.SUCCEEDED, log
    assert "fetching Python 3.11" in log
    assert "taking" not in log
    assert ended.message
    assert "instead of" not in ended.message


#: as a proxy does that a package brings
RELAY = """#!/usr/bin/python3
import socket, sys, threading
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    inner, _ = server.accept()
    try:
        outer = socket.create_connection(("169.254.169.254", 80), 3)
    except OSError as problem:
        inner.sendall(f"HTTP/1.0 502 {problem}\\r\\n\\r\\n".encode())
        inner.close()
        continue
    def pass_on(a, b):
        while data := a.recv(65536):
            b.sendall(data)
        b.shutdown(socket.SHUT_WR)
    for pair in ((inner, outer), (outer, inner)):
        threading.Thread(target=pass_on, args=pair, daemon=True).start()
"""
SERVICE = """[Service]
ExecStart=/opt/relay {port}
User={user}
[Install]
WantedBy=multi-user.target
"""
ASK = "curl -s -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' -o /dev/null -w '%{http_code}\\n'"
#: what stays behind where it can: a manager of the user's own, with a unit that goes on
LINGER = """
u=/home/analyst/.config/systemd/user; mkdir -p $u/default.target.wants
printf '[Service]\\nExecStart=/bin/sh -c "while :; do date > /tmp/alive; sleep 0.2; done"\\n' > $u/evil.service
ln -s ../evil.service $u/default.target.wants/evil.service
login=org.freedesktop.login1
busctl call $login /org/freedesktop/login1 $login.Manager SetUserLinger ubb 58000 true false
for i in 1 2 3 4 5 6; do [ -S /run/user/58000/systemd/private ] && break; sleep 0.5; done
[ -S /run/user/58000/systemd/private ] && echo "a manager came up" || echo "no manager"
crontab - <<< '* * * * * touch /tmp/by-cron' && echo "cron took it" || echo "no cron"
setsid sleep 3607 &
setsid python3 race.py "$OUTPUT_DIR" > /dev/null 2>&1 &
until [ -e "$OUTPUT_DIR/racing" ]; do sleep 0.1; done
echo done > "$OUTPUT_DIR/done"
"""
#: swaps its files for links to what only root may read, as long as it lives
RACE = b"""
import os, sys
os.chdir(sys.argv[1])
open("racing", "w").write("harmless")
while True:
    for name in ("racing", "other"):
        os.symlink("/root/secret", "link"); os.rename("link", name)
        open("file", "w").write("harmless"); os.rename("file", name)
"""


def relaying(layer: Path, users: dict[int, str]) -> Path:
    """A layer over the image with a server for each user, by port, that asks the metadata service for everybody."""
    (layer / "opt").mkdir(parents=True)
    (layer / "opt/relay").write_text(RELAY)
    (layer / "opt/relay").chmod(0o755)
    wanted = layer / "etc/systemd/system/multi-user.target.wants"
    wanted.mkdir(parents=True)
    for port, user in users.items():
        unit = layer / f"etc/systemd/system/relay-{user}.service"
        unit.write_text(SERVICE.format(port=port, user=user))
        (wanted / unit.name).symlink_to(f"/etc/systemd/system/{unit.name}")
    return layer


def test_no_server_on_the_machine_reaches_the_role_for_user_code_and_nothing_of_it_lingers(
    team: Team, tmp_path: Path
) -> None:
    team.cloud.layers.insert(0, relaying(tmp_path / "layer", {8888: "root", 8889: "nobody"}))
    asked = "\n".join(f"echo {port}; {ASK} http://127.0.0.1:{port}/latest/api/token" for port in (8888, 8889))
    (tmp_path / "layer/root").mkdir()
    (tmp_path / "layer/root/secret").write_text("root's own")
    command = f"{asked}\n{ASK} http://169.254.169.254/latest/api/token\n{LINGER}"
    team.script("curious", command, more={"race.py": RACE})
    run = team.run("curious")
    with team.service():
        ended = team.ended(run)
        machine = team.machine_of(run)
        machine.wait(60)
    log = team.log(run)
    assert ended.status == RunStatus.SUCCEEDED, log
    assert log.splitlines()[:5] == ["8888", "502", "8889", "502", "000"]
    assert "no manager" in log
    assert "no cron" in log
    assert not machine.written("/tmp/alive").exists()
    # nothing of it was still there to swap files while they were collected
    left = team.data("curious")
    assert left.pop("done") == "done\n"
    assert set(left.values()) <= {"harmless", ""}
    assert set(left) <= {"racing", "other", "file"}
