"""The names of objects in the work area.  Standard library only: the agent uses them too."""


def bundle_key(digest: str) -> str:
    """A bundle, by the digest of its content."""
    return f"bundles/{digest}.tar.gz"


def bundle_record_key(digest: str) -> str:
    """The record of a bundle, beside it."""
    return f"bundles/{digest}.json"


def kernel_variables_key(digest: str, name: str) -> str:
    """The variables of a kernel that a bundle is run with, beside the bundle."""
    return f"bundles/{digest}.env-{name}.json"


def bundle_of(key: str) -> str:
    """The digest of the bundle that a key under `bundles/` belongs to: of itself, or its record."""
    return key.removeprefix(BUNDLES).partition(".")[0]


def gate_key(token: str) -> str:
    """The write-once object that decides whether an attempt's user code may start."""
    return f"{GATES}{token}"


def brief_key(token: str) -> str:
    """The task of an attempt's agent, for a machine of its own to find."""
    return f"briefs/{token}"


def beside_brief(token: str) -> str:
    """The folder with copies of files that a machine of its own may not read at their places."""
    return f"briefs/{token}-files/"


def agent_key(digest: str) -> str:
    """The agent's archive, by the digest of its bytes."""
    return f"agents/{digest}.tar.gz"


def kept_environments(share: str) -> str:
    """The folder of the environments that were made for those who share them; they go by age."""
    return f"bundles/{share}{KEPT}"


def uv_key(digest: str) -> str:
    """The uv that comes with the agent, as gzip, by the digest of the program itself."""
    return f"agents/uv-{digest}.gz"


#: write-once, all of them
GATES = "gates/"
#: write-once: the ledger whose work area it is
OWNER_MARKER = "owner.json"
#: everything that workers wrote, and every brief
WORKERS = "workers/"
BRIEFS = "briefs/"
BUNDLES = "bundles/"


def worker_prefix(worker: str, token: str) -> str:
    """The folder that an attempt's worker writes to: the names below are under it."""
    return f"workers/{worker}/{token}/"


#: write-once: how the attempt ended, and every file it left
RESULT = "result"
#: in the names of environments that are kept for further runs
KEPT = ".environments/"
#: environments that a machine of its own made, for the service to keep
ENVIRONMENTS = "environments/"
#: empty: the machine of its own may write there
BEGUN = "begun"
#: replaced while the agent lives
HEARTBEAT = "heartbeat"
#: `live/log.0`, `live/log.1`, …: what the command printed so far, each written once
LIVE_LOG = "live/log."
LIVE_NOTEBOOK = "live/notebook"
#: the executed notebook, its HTML, the whole log
REPORT = "report/"
LOG = "report/log.txt"
#: the output folder
OUTPUT = "output/"
