"""Names of files that hold credentials, by kind: what a folder or a pattern brings in stays out of a bundle for them.

A name counts by its ending, by its place, or by its words: `prod.env`, `.config/gh`, `db-password.txt`.  A word counts
only with an ending that settings have, so that `token_counts.csv` and `secret_santa.ipynb` go along.
"""

import re
from fnmatch import fnmatchcase, translate

CREDENTIALS = "may hold credentials"
PRIVATE_KEY = "may be a private key"
HISTORY = "version history, not data"
CLUTTER = "made by a tool, not needed for a run"

#: lower-case patterns of one part of a path, or of consecutive parts without wildcards, by kind
_ENVIRONMENTS = (
    *(".env", ".env.*", ".env-*", "*.env", "*.env.local", ".envrc", "env.sh", "*-env.sh", "openrc*", "*-openrc.sh"),
    *(".renviron", ".rprofile", ".flaskenv", "*.env.enc", "env.prod*", "env.local", "env.staging", "env.dev*"),
    *("local.settings.json", "appsettings.*.json", "*.secrets"),
)
_CLOUDS = (
    *(".aws", ".azure", ".oci", ".gcloud", ".config/gcloud", ".boto", ".s3cfg", ".mc", ".aliyun", ".bluemix", ".fly"),
    *(
        ".config/doctl",
        ".config/hcloud",
        ".config/scw",
        ".linode-cli",
        "rclone*.conf",
        ".rclone*.conf",
        ".config/rclone",
        ".databrickscfg",
    ),
    *("application_default_credentials.json", "client_secret*", "service-account*", "service_account*", "kaggle.json"),
    *(
        "serviceaccount*.json",
        "*firebase-adminsdk*.json",
        "google-services.json",
        "*keyfile*.json",
        ".kaggle",
        ".modal.toml",
    ),
    *(
        ".snowflake",
        ".snowsql",
        ".dbt",
        ".dbtcloud",
        "profiles.yml",
        ".heroku",
        ".config/heroku",
        ".netlify",
        ".vercel",
    ),
    *(".openai", ".config/openai", ".anthropic", ".wandb", ".config/wandb", ".huggingface", ".cache/huggingface/token"),
    *(
        ".cache/huggingface/stored_tokens",
        ".replicate",
        ".config/github-copilot",
        ".config/op",
        ".codex",
        ".claude.json",
    ),
)
#: of archives of data that are asked for by name: the climate's, NASA's
_DATA_ARCHIVES = (
    *(".cdsapirc", ".ecmwfapirc", ".urs_cookies", ".dodsrc", ".curlrc", ".wgetrc"),
    *("token.pickle", "token_*.pickle", "*_token.pickle"),
)
_CLUSTERS = (
    *(
        ".kube",
        "kubeconfig*",
        "kube.config",
        "*.kubeconfig",
        ".docker",
        ".dockercfg",
        ".dockerconfigjson",
        "*.tfvars",
        "*.tfvars.json",
    ),
    *(
        "*.tfstate",
        "*.tfstate.*",
        ".terraform",
        ".terraformrc",
        "terraform.rc",
        ".terraform.d",
        ".pulumi",
        ".vagrant.d",
    ),
    *("vault.y*ml", "vault_pass*", ".vault_pass*", "vault-pass*", ".vault-token", "*.vault", ".helm/repositories.yaml"),
    *(".config/helm/registry", ".rancher", ".argocd", ".config/argocd", ".ansible", ".sops.yaml", "sops/age"),
)
_PACKAGES = (
    *(
        ".pypirc",
        ".npmrc",
        ".yarnrc",
        ".yarnrc.yml",
        "pip.conf",
        "pip.ini",
        ".pip",
        ".config/pip",
        ".condarc",
        ".netrc*",
    ),
    *(
        "_netrc",
        ".cargo/credentials*",
        ".cargo/credentials",
        ".cargo/credentials.toml",
        ".gem",
        ".bundle/config",
        ".m2",
    ),
    *(".gradle/gradle.properties", "nuget.config", ".composer/auth.json", "auth.json", ".config/hub", ".config/gh"),
    *(
        ".config/glab-cli",
        ".git-credentials",
        ".gitconfig",
        ".config/git",
        ".hgrc",
        ".config/uv/credentials",
        ".sentryclirc",
    ),
)
_DATABASES = (
    *(
        ".pgpass*",
        "pgpass.conf",
        "pg_service.conf",
        ".pg_service.conf",
        "tnsnames.ora",
        "cwallet.sso",
        ".my.cnf",
        "my.cnf",
        ".mylogin.cnf",
        ".odbc.ini",
        "odbc.ini",
        ".mongorc*",
    ),
    *("database.yml", "database.yaml", "wp-config.php", "local_settings.py", "settings_local.py", "local.properties"),
    *("connections.toml", ".dbeaver", ".dbeaver4", ".cassandra", ".influxdbv2", "liquibase.properties"),
)
_OWN = (
    *(".jupyter", ".ipython", ".local/share/jupyter", "jupyter_server_config.*", "jupyter_notebook_config.*"),
    *(
        "jpserver-*",
        "nbserver-*",
        "kernel-*.json",
        "nbsignatures.db",
        ".*_history",
        ".*history",
        ".lesshst",
        ".viminfo",
    ),
    *(".mozilla", ".thunderbird", ".config/google-chrome", ".config/chromium", "logins.json", "key3.db", "key4.db"),
    *("cookies.txt", "cookies.sqlite", "cookies.json", ".cookies", ".password-store", ".local/share/keyrings", ".pki"),
    *(
        "*.keyring",
        "*.keychain",
        "*.keychain-db",
        "*.kdbx",
        "*.kdb",
        "*.1pux",
        "*.agilekeychain",
        ".htpasswd",
        "htpasswd",
    ),
    *(
        "shadow",
        "passwd",
        ".streamlit/secrets.toml",
        "*.rdp",
        "*.ovpn",
        "wg[0-9]*.conf",
        ".erlang.cookie",
        ".xauthority",
    ),
    *(".smbcredentials", ".davfs2", ".fetchmailrc", ".msmtprc", ".mutt", ".muttrc", ".s3ql", ".irssi", "krb5cc_*"),
)
_KEYS = (
    *(".ssh", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "*.pem", "*.key", "*.ppk", "*_rsa", "*_ed25519"),
    *("*.p12", "*.pfx", "*.p8", "*.jks", "*.keystore", "*.keytab", "*.asc", "*.gpg", "*.pgp", ".gnupg", "*.age"),
    *("deploy_key*", "deploy-key*", "*.openssh", "ssh_host_*_key", "*.pkcs12", "*.jceks", "*.bks", "*.snk", "*.sec"),
)
_TOOLS = (
    *(".ipynb_checkpoints", ".virtual_documents", "__pycache__", "*.pyc", ".venv", "node_modules"),
    *(".mypy_cache", ".pytest_cache", ".ruff_cache", ".ds_store"),
)
_DENIED: dict[str, str] = {
    **dict.fromkeys(
        (*_ENVIRONMENTS, *_CLOUDS, *_DATA_ARCHIVES, *_CLUSTERS, *_PACKAGES, *_DATABASES, *_OWN), CREDENTIALS
    ),
    **dict.fromkeys(_KEYS, PRIVATE_KEY),
    **dict.fromkeys((".git", ".hg", ".svn"), HISTORY),
    **dict.fromkeys(_TOOLS, CLUTTER),
}
_PARTS = {pattern: why for pattern, why in _DENIED.items() if "/" not in pattern}
#: matches what any of them does, since nearly all names match none
_SOME_PART = re.compile("|".join(map(translate, _PARTS)))
_RUNS = {pattern: why for pattern, why in _DENIED.items() if "/" in pattern}
#: templates, in which nothing is filled in
_TEMPLATES = re.compile(r"\.(?:example|sample|template|tmpl|dist|j2)\b|\b(?:example|sample|template)\.")
#: words that say what is in a file of settings
_SAYING = re.compile(
    r"(?:^|[^a-z])(?:secrets?|credentials?|creds?|passwords?|passwd|passphrases?|passwort|pwd|api[_-]?keys?"
    r"|(?:access|auth|secret|private|signing|encryption|ssh|license|bot|webhook|client)[_-]?(?:keys?|tokens?)|oauth2?"
    r"|connection[_-]?strings?|logins?|private|pass)(?:$|[^a-z])"
)
#: a key or token by these and nothing else
_PLAIN = re.compile(
    r"(?:(?:my|the|prod|dev|test|gcp|gcloud|google|bq|bigquery|aws|azure|github|gitlab|slack|hf|huggingface|openai|jupyter|id"
    r"|access|refresh|api|sa|service|account|storage|s3|vault|npm|pypi|telegram|discord|ci|cd|deploy|robot|user|admin)[_.-]?)*"
    r"(?:tokens?|keys?)"
)
_SETTINGS = re.compile(
    r"(?:\.(?:txt|json|ya?ml|toml|ini|cfg|conf|config|properties|xml|env|sh|bash|zsh|enc|bak|old|plist|r|php|rb|js|ps1|cmd|bat)"
    r"|^[^.]+|^\.[^.]+)$"
)
#: the name that Google gives to the key of an account: the project and the key's number
_GOOGLE_KEY = re.compile(r"[a-z][a-z0-9-]*-(?=[0-9a-f]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{12}\.json")
_TABLES = re.compile(
    r"(?:secrets?|credentials?|creds|passwords?|logins|accesskeys?|rootkey)\.(?:csv|xlsx?|py|md|docx?|db|sqlite)"
)


def denial_reason(path: str) -> str | None:
    """The reason why a file of this name stays out of bundles unless it is named exactly; None when it may go in."""
    lower = path.lower().strip("/")
    for part in lower.split("/"):
        if _SOME_PART.match(part) and not _TEMPLATES.search(part):
            for pattern, why in _PARTS.items():
                if fnmatchcase(part, pattern):
                    return why
    placed = next((why for run, why in _RUNS.items() if f"/{run}/" in f"/{lower}/"), None)
    return placed or (CREDENTIALS if _says_so(lower.rpartition("/")[2]) else None)


def _says_so(name: str) -> bool:
    """True when the words of a file's name say that it holds credentials."""
    if _TEMPLATES.search(name):
        return False
    if _GOOGLE_KEY.fullmatch(name) or _TABLES.fullmatch(name):
        return True
    if not _SETTINGS.search(name):
        return False
    stem = name.lstrip(".").partition(".")[0]
    return _SAYING.search(name.rpartition(".")[0] or name) is not None or _PLAIN.fullmatch(stem) is not None
