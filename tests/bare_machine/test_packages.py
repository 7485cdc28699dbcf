"""Debian packages that an analysis brings by `apt.txt`, on a machine that is a minute old."""

import json
from pathlib import Path

import pytest

from jupyter_schedule.core.bundles.wrapper.render import WrapperConfig, render_wrapper
from jupyter_schedule.core.models import RunStatus
from tests.bare_machine.debs import from_here, missing_archive, package_archive
from tests.bare_machine.image import missing
from tests.bare_machine.index import package_index, serving
from tests.bare_machine.team import Team
from tests.engine import notebook_of

WHY = missing() or missing_archive()
pytestmark = [
    pytest.mark.bare_machine,
    pytest.mark.s3,
    pytest.mark.proof("machines"),
    pytest.mark.skipif(WHY is not None, reason=WHY or ""),
]
#: holds the locks that Ubuntu's own updates hold after the first boot, until a minute later
HOLD = """
import fcntl, pathlib, time
locks = [open(path, "w") for path in ("/var/lib/dpkg/lock-frontend", "/var/lib/apt/lists/lock")]
for lock in locks:
    fcntl.lockf(lock, fcntl.LOCK_EX)
pathlib.Path("/var/tmp/held").touch()
time.sleep(60)
pathlib.Path("/var/tmp/released").touch()
"""
UNIT = """[Unit]
DefaultDependencies=no
After=local-fs.target
Before=cloud-init-local.service
[Service]
ExecStart=/usr/bin/python3 /opt/hold.py
ExecStartPost=/bin/sh -c 'until [ -e /var/tmp/held ]; do sleep 0.1; done'
[Install]
WantedBy=multi-user.target
"""
#: a proxy of its own as the run's user, and what the package would have started
ASK_BY_PROXY = """
test -e /var/tmp/released && echo waited
systemctl is-active tinyproxy
printf 'Port 8888\\nListen 127.0.0.1\\nTimeout 5\\n' > proxy.conf
tinyproxy -d -c proxy.conf > /dev/null 2>&1 &
until curl -s -o /dev/null http://127.0.0.1:8888/; do sleep 0.2; done
curl -s -m 10 -x http://127.0.0.1:8888 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' -o /dev/null \
  -w '%{http_code}\\n' http://169.254.169.254/latest/api/token
kill %1
"""


def test_packages_wait_for_the_systems_own_updates_start_nothing_and_reach_no_role(
    team: Team, debian: Path, tmp_path: Path
) -> None:
    layer = from_here(tmp_path / "layer")
    (layer / "opt").mkdir()
    (layer / "opt/hold.py").write_text(HOLD)
    wanted = layer / "etc/systemd/system/multi-user.target.wants"
    wanted.mkdir(parents=True)
    (layer / "etc/systemd/system/hold.service").write_text(UNIT)
    (wanted / "hold.service").symlink_to("/etc/systemd/system/hold.service")
    team.cloud.layers.insert(0, layer)
    team.script("proxied", ASK_BY_PROXY, more={"apt.txt": b"tinyproxy\n"})
    run = team.run("proxied")
    with serving(package_archive(debian, "tinyproxy")), team.service():
        ended = team.ended(run)
    assert ended.status == RunStatus.SUCCEEDED, f"{ended.message} {team.log(run)}"
    waited, active, answer, *_ = team.log(run).splitlines()
    assert (waited, active) == ("waited", "inactive")
    assert answer != "200"
    assert len(team.cloud.machines) == 1


def test_a_notebook_in_r_runs_with_the_kernel_that_its_package_brings(team: Team, debian: Path, tmp_path: Path) -> None:
    team.cloud.layers.insert(0, from_here(tmp_path / "layer"))
    wrapper = render_wrapper(WrapperConfig(notebook="a.ipynb", kernel_name="ir"))
    files = {path: content for path, (content, _) in wrapper.items() if path != "run.sh"}
    made = 'write.csv(data.frame(n = n, region = region), file.path(Sys.getenv("OUTPUT_DIR"), "a.csv"))'
    notebook = notebook_of(made, parameters='n <- 2\nregion <- "south"', kernel="ir")
    notebook["metadata"] = {"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}
    files |= {"a.ipynb": json.dumps(notebook).encode(), "apt.txt": b"r-cran-irkernel\n"}
    team.script("in-r", "exec bash .wrapper/run.sh", files)
    run = team.run("in-r")
    archive = tmp_path / "served"
    archive.mkdir()
    for place in (package_archive(debian, "r-cran-irkernel"), package_index("")):
        for each in place.iterdir():
            (archive / each.name).symlink_to(each)
    with serving(archive), team.service():
        ended = team.ended(run)
    assert ended.status == RunStatus.SUCCEEDED, f"{ended.message} {team.log(run)}"
    assert team.data("in-r")["a.csv"] == '"","n","region"\n"1",2,"south"\n'
