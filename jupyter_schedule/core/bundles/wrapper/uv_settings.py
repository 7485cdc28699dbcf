"""Print what uv must be told so that it installs as this machine's pip would: `NAME=value`, each ended by a NUL byte.

uv doesn't read pip's configuration.  What is set for uv already, by variables or in a file of its own, stays as it is.
Standard library only; runs on Python 3.8 or newer.
"""

import ast
import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, Mapping  # noqa: UP035  (an older Python may be the only one of the machine)

#: pip's setting: uv's variable, what separates several values, uv's other variables that say the same
NAMES = {
    "index-url": ("UV_DEFAULT_INDEX", " ", ("UV_INDEX_URL",)),
    "extra-index-url": ("UV_INDEX", " ", ("UV_EXTRA_INDEX_URL",)),
    "find-links": ("UV_FIND_LINKS", ",", ()),
    "trusted-host": ("UV_INSECURE_HOST", " ", ()),
    "cert": ("SSL_CERT_FILE", None, ()),
    "timeout": ("UV_HTTP_TIMEOUT", None, ()),
    "proxy": ("ALL_PROXY", None, ("HTTPS_PROXY", "https_proxy", "all_proxy")),
}


def pip_settings(listing: str, environ: Mapping[str, str]) -> Dict[str, str]:  # noqa: UP006
    """pip's settings by name, from what `pip config list` prints; `install.` wins over `global.`, PIP_* over both."""
    found: Dict[str, str] = {}  # noqa: UP006
    for section in ("global.", "install."):
        for line in listing.splitlines():
            name, _, value = line.partition("=")
            if name.startswith(section):
                found[name[len(section) :]] = str(ast.literal_eval(value))
    variables = {name[4:].lower().replace("_", "-"): value for name, value in environ.items() if name[:4] == "PIP_"}
    return {**found, **variables}


def uv_settings(settings: Mapping[str, str], environ: Mapping[str, str]) -> Dict[str, str]:  # noqa: UP006
    """The variables to add for uv."""
    added: Dict[str, str] = {}  # noqa: UP006
    for name, (variable, separator, same) in NAMES.items():
        value = settings.get(name, "").strip()
        if value and not any(environ.get(other) for other in (variable, *same)):
            added[variable] = separator.join(value.split()) if separator else value
    if "UV_INDEX" in added and not environ.get("UV_INDEX_STRATEGY"):
        # pip takes the best version of all its indexes, uv by default only looks into the first that has the package
        added["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    if settings.get("no-index", "").lower() in {"1", "true", "yes", "on"} and not environ.get("UV_OFFLINE"):
        added["UV_OFFLINE"] = "1"
    return added


def has_own_file(environ: Mapping[str, str]) -> bool:
    """True where uv is configured by a file of its own, which variables would override."""
    home = Path(environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME", "/")) / ".config")
    return "UV_CONFIG_FILE" in environ or any(folder.joinpath("uv/uv.toml").exists() for folder in (home, Path("/etc")))


def read_pip_files(environ: Mapping[str, str]) -> str:
    """The text that `pip config list` would print, from pip's own files: their place is settled where pip isn't."""
    home = Path(environ.get("HOME", "/"))
    own = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip/pip.conf"
    places = ["/etc/xdg/pip/pip.conf", "/etc/pip.conf", str(home / ".pip/pip.conf"), str(own)]
    lines = []
    for place in [*places, environ.get("PIP_CONFIG_FILE") or os.devnull]:
        parser = configparser.RawConfigParser()
        try:
            parser.read(place, encoding="utf-8")
        except (OSError, ValueError, configparser.Error):
            continue
        for section in parser.sections():
            for name, value in parser.items(section):
                lines.append("{}.{}={!r}".format(section, name.replace("_", "-"), value))
    return "\n".join(lines)


def pip_listing() -> str:
    """The text that `pip config list` prints, or where there is no pip what its files say."""
    for command in ([sys.executable, "-m", "pip"], [shutil.which("pip") or "pip"]):
        try:
            done = subprocess.run([*command, "config", "list"], capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return done.stdout
    return read_pip_files(os.environ)


def collect(environ: Mapping[str, str]) -> Dict[str, str]:  # noqa: UP006
    """The variables to add for uv on this machine."""
    return {} if has_own_file(environ) else uv_settings(pip_settings(pip_listing(), environ), environ)


if __name__ == "__main__":
    for name, value in collect(os.environ).items():
        sys.stdout.write(f"{name}={value}\0")
