"""ansible/ansible #51663, danvk/mapsnap #443, cfengine/buildscripts #2482, bivlked/amneziawg-installer #155: on a fresh Ubuntu apt-daily /
unattended-upgrades holds apt's lock for a while after boot.

`apt.txt` of a bundle is installed while somebody else holds the lock for 6 s (a scratch apt tree; nothing is installed:
the list is of a package that isn't there, so that the answer itself tells whether apt had waited).
Right: wait for the lock (within APT_LIMIT).  Exit 0 when what it says at last isn't about the lock.
"""
import os, sys
sys.path.insert(0, os.getcwd())
import fcntl, tempfile, threading, time
from pathlib import Path
from jupyter_schedule.core.errors import Refused
from scheduler_service.worker import ec2_main as machine

with tempfile.TemporaryDirectory() as name:
    root = Path(name)
    for part in ("var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/lib/dpkg", "etc/apt/sources.list.d", "etc/apt/preferences.d", "var/log/apt"):
        (root / part).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    (root / "etc/apt/sources.list").write_text("")
    (root / "apt.conf").write_text(
        f'Dir "{root}/";\nDir::State::status "{root}/var/lib/dpkg/status";\nDir::Bin::dpkg "/bin/true";\nDir::Etc::Parts "/nowhere";\nAPT::Sandbox::User "root";\n')
    os.environ["APT_CONFIG"] = str(root / "apt.conf")
    which = sys.argv[1] if len(sys.argv) > 1 else "lists"
    path = root / ("var/lib/apt/lists/lock" if which == "lists" else "var/lib/dpkg/lock-frontend")
    # another process holds it, as apt-daily does
    pid = os.fork()
    if pid == 0:
        held = path.open("w"); fcntl.lockf(held, fcntl.LOCK_EX); time.sleep(6); os._exit(0)
    time.sleep(0.5)
    listed = root / "apt.txt"; listed.write_text("no-such-package-here\n")
    began = time.monotonic(); said = ""
    try:
        machine._install_packages(listed)
    except Refused as refused:
        said = f"{refused.code}: {refused.message}"
    took = time.monotonic() - began
    os.waitpid(pid, 0)
    print(f"after {took:.1f} s: {said}")
    sys.exit(1 if "lock" in said.lower() else 0)
