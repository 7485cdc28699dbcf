"""Text that looks like a key: patterns precise enough to stop a publication.

Each has words without which it can't match, so that a text with none of them costs a search for words only.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterator

from ahocorasick_rs import AhoCorasick, Implementation

#: what it is → words that it can't be without, in any case where they are small; what it looks like
_FIXED: dict[str, tuple[tuple[str, ...], str]] = {
    "an AWS access key": (("AKIA", "ASIA"), r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "a private key": (("private key",), r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY"),
    "a GitHub token": (
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,})",
    ),
    "a GitLab token": (("glpat-",), r"\bglpat-[A-Za-z0-9_-]{20,}"),
    "a Slack token": (("xox", "xapp-", "xoxe"), r"\b(?:xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{20,})"),
    "a Google API key": (("AIza",), r"\bAIza[A-Za-z0-9_-]{35}"),
    "a Google OAuth token or client secret": (
        ("ya29.", "GOCSPX-", "1//0"),
        r"\b(?:ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,}|1//0[A-Za-z0-9_-]{40,})",
    ),
    "a Stripe key": (("k_live_", "k_test_"), r"\b(?:[rs]k_live|sk_test)_[A-Za-z0-9]{20,}"),
    "a webhook's signing secret": (("whsec_",), r"\bwhsec_[A-Za-z0-9+/=]{24,}"),
    "a Hugging Face token": (("hf_",), r"\bhf_[A-Za-z0-9]{34,}"),
    "an OpenAI or Anthropic key": (("sk-",), r"\bsk-(?:ant-|proj-|svcacct-|or-)?[A-Za-z0-9_-]{32,}"),
    "a key of a language model's service": (
        ("gsk_", "xai-", "pplx-", "r8_", "nvapi-", "fw_"),
        r"\b(?:gsk_[A-Za-z0-9]{48,}|xai-[A-Za-z0-9]{60,}|pplx-[A-Za-z0-9]{40,}|r8_[A-Za-z0-9]{37,}"
        r"|nvapi-[A-Za-z0-9_-]{60,}|fw_[A-Za-z0-9]{24,})",
    ),
    "a Databricks token": (("dapi", "dose", "dkea"), r"\b(?:dapi|dose|dkea)[0-9a-f]{32}(?:-\d)?\b"),
    "an Azure shared access signature": (("sig=",), r"(?:[?&;]|&amp;|^|\s)sig=[A-Za-z0-9%+/_-]{30,}={0,2}"),
    "an Azure key": (("accountkey=", "accesskey=", "sharedaccess"), r"(?:Account|Access)Key=[A-Za-z0-9+/]{40,}={0,2}"),
    "a client secret of Entra": (("Q~",), r"(?<![A-Za-z0-9_~.-])[A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}"),
    "an AWS signature in an address": (("x-amz-signature",), r"(?i)x-amz-signature=[0-9a-f]{64}"),
    "a Google signature in an address": (("x-goog-signature",), r"(?i)x-goog-signature=[0-9a-f]{64,}"),
    "a Vault token": (("hvs.", "hvb.", "hvr."), r"\bhv[sbr]\.[A-Za-z0-9_-]{24,}"),
    "a Terraform token": ((".atlasv1.",), r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}"),
    "a Mapbox token": (
        ("k.eyJ",),
        r"\b[st]k\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}|\bpk\.eyJ[\w-]{20,}\.[\w-]{20,}",
    ),
    "a Kaggle key": (
        ("kaggle", '"key"', "KGAT_"),
        r'"key"\s*:\s*"[0-9a-f]{32}"|KAGGLE_KEY\W{1,4}[0-9a-f]{32}|KGAT_[0-9a-f]{32}',
    ),
    "a DigitalOcean token": (("_v1_",), r"\bdo[opr]_v1_[0-9a-f]{64}"),
    "a Docker token": (("dckr_",), r"\bdckr_[a-z]{3}_[A-Za-z0-9_-]{24,}"),
    "a registry's token": (
        ("npm_", "pypi-", "rubygems_", "cio", "_authtoken"),
        r"\b(?:npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{60,}|rubygems_[0-9a-f]{48}|cio[A-Za-z0-9]{32}\b)"
        r"|_authToken\s*=\s*[A-Za-z0-9_-]{20,}",
    ),
    "a Shopify token": (("shp",), r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    "an Atlassian token": (("ATATT3", "ATCTT3"), r"\bAT[AC]TT3[A-Za-z0-9_=-]{50,}"),
    "a Notion or Linear key": (
        ("ntn_", "secret_", "lin_api_"),
        r"\b(?:ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43}|lin_api_[A-Za-z0-9]{40})",
    ),
    "a Grafana token": (("glc_", "glsa_"), r"\b(?:glc_[A-Za-z0-9+/=]{32,}|glsa_[A-Za-z0-9]{32}_[0-9a-f]{8})"),
    "a token of a service that watches": (
        ("NRAK-", "sntry", "dt0c01."),
        r"\b(?:NRAK-[A-Z0-9]{27}|sntry[su]_[A-Za-z0-9_=+/]{40,}|dt0c01\.[A-Z0-9]{24}\.[A-Z0-9]{64})",
    ),
    "a token of a place where programs run": (
        ("HRKU-", "pscale_", "sbp_", "fo1_", "fm2_", "pul-", "dp.pt.", "dp.st.", "PMAK-", "figd_", "rnd_"),
        r"\b(?:HRKU-[A-Za-z0-9_-]{36,}|pscale_(?:tkn|pw|oauth)_[\w.=-]{30,}|sbp_[0-9a-f]{40}|fo1_[\w-]{40,}"
        r"|fm2_[\w+/=-]{40,}|pul-[0-9a-f]{40}|dp\.[ps]t\.[\w.-]{30,}|PMAK-[0-9a-f]{24}-[0-9a-f]{34}|figd_[\w-]{40,}"
        r"|rnd_[A-Za-z0-9]{32,})",
    ),
    "a token of a service for data": (
        ("pcsk_", "lsv2_", "tvly-", "npg_", "vcp_", "dbtc_", "pnu_", "pnb_", "duffel_"),
        r"\b(?:pcsk_\w{50,}|lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}|tvly-[A-Za-z0-9-]{28,}|npg_[A-Za-z0-9]{20,}"
        r"|vcp_[A-Za-z0-9]{40,}|dbtc_[\w-]{36,}|pn[ub]_[A-Za-z0-9]{36,}|duffel_live_[\w-]{40,})",
    ),
    "an Okta token": (("ssws ",), r"\bSSWS 00[\w-]{38,}"),
    "a cookie of somebody's session": (
        ("cookie:",),
        r"(?i)\bcookie:[^\n]{0,400}?\b[\w-]*(?:sess|sid|auth|token|jwt)[\w-]*=[A-Za-z0-9%+/._-]{24,}",
    ),
    "a name and password of a command": (
        ("curl",), r"\bcurl\b[^\n]{0,200}?\s(?:-u|--user)[ =]?[\"']?[\w.@-]{1,60}:(?![$<{*])[^\s\"']{6,}"
    ),
    "an Airtable token": (("pat",), r"\bpat[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    "a Dropbox token": (("sl.",), r"\bsl\.(?:u\.)?[A-Za-z0-9_-]{100,}"),
    "a Facebook or Twitter token": (("EAA", "AAAAAAAAAAAAAAAA"), r"\bEAA[A-Za-z0-9]{80,}|\bA{16,}[A-Za-z0-9%]{30,}"),
    "a Weights & Biases key": (("wandb",), r"(?i)wandb[\w .\"'-]{0,20}[=:]\W{0,3}[0-9a-f]{40}|wandb_v1_\w{40,}"),
    "a key of a mail service": (
        ("key-", "xkeysib-", "re_", "SG."),
        r"\b(?:key-[0-9a-f]{32}|xkeysib-[0-9a-f]{64}|re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}|SG\.[\w-]{20,}\.[\w-]{40,})",
    ),
    "a Square token": (("sq0",), r"\bsq0(?:atp|csp|idp)-[A-Za-z0-9_-]{22,}"),
    "an Alibaba or Tencent key": (("LTAI", "AKID"), r"\b(?:LTAI[A-Za-z0-9]{16,20}|AKID[A-Za-z0-9]{32})\b"),
    "an age or PGP key": (("age-secret-key", "pgp private"), r"AGE-SECRET-KEY-1[A-Z0-9]{50,}|BEGIN PGP PRIVATE KEY"),
    "a PuTTY key": (("putty-user-key",), r"PuTTY-User-Key-File-\d"),
    "a webhook's address": (
        ("webhook", "hooks.slack", "workflows/", "hooks.zapier"),
        r"discord(?:app)?\.com/api/webhooks/\d+/[\w-]{50,}|webhook\.office\.com/webhookb2/[\w@/-]{30,}"
        r"|hooks\.slack\.com/(?:services|workflows|triggers)/[\w/]{20,}|hooks\.zapier\.com/hooks/catch/\d+/\w+",
    ),
    "a password's hash": (
        ("$2", "$argon2", "$6$", "$5$", "$y$", "$apr1$"),
        r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}|\$apr1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}|\$argon2id?\$v=|\$[56y]\$[^\s$]{1,40}\$[./A-Za-z0-9]{40,}",
    ),
    "a password in an address": (("://",), r"\b[a-z][a-z0-9+]{1,20}://[^\s:/@\"'{}$<>]{0,80}:[^\s:/@\"'{}$<>]{3,80}@"),
    "a password in an address's options": (
        ("password=", "pwd=", "access_token=", "api_key=", "apikey="),
        r"(?i)[?&;](?:password|pwd|access_token|api_?key|client_secret)=(?![<{$%*]|x{4}|your)[^\s&;\"'<>]{6,}",
    ),
    "a line of a password file": (
        ("login",),
        r"(?im)\blogin\s+\S+\s+password\s+\S+",
    ),
}  # fmt: skip
_PATTERNS = {
    what: (frozenset(need.lower() for need in needs), re.compile(pattern)) for what, (needs, pattern) in _FIXED.items()
}
#: the words of all patterns, looked for at once; one may begin within another
_NEEDS = sorted({need for needs, _ in _PATTERNS.values() for need in needs})
_NEEDED = AhoCorasick(_NEEDS, implementation=Implementation.DFA)
_ASSIGNED = re.compile(
    r"(?:password|passwd|pwd|secret|token|api_?key|access_?key)[\"']?\]?\s*(?:=|:)\s*[rbu]?([\"'])([^\"'\s]{6,200})\1",
    re.IGNORECASE,
)
_ASSIGNED_WORDS = ("passw", "pwd", "secret", "token", "key")
#: what people write in place of a secret
_PLACEHOLDER = re.compile(r"[<{$%*]|x{4}|\.\.\.|your|change|example|dummy|secret$|password$|token$", re.IGNORECASE)
#: a name and a password, packed as HTTP and Docker do
_BASIC = re.compile(
    r"(?:\bbasic\s+|[\"']_?auth[\"']?\s{0,3}[=:]\s{0,3}[\"'])([A-Za-z0-9+/]{8,400}={0,2})", re.IGNORECASE
)
_BASIC_WORDS = ("basic", "auth")
#: what can be a key without a word of `LONG` letters, digits, dashes and the like; the others have one
WORDS = (
    "private key", "xox", "sig=", "accountkey=", "accesskey=", "q~", "$2", "$argon2", "$5$", "$6$", "$y$", "://",
    "login", "passw", "pwd", "secret", "token", "key", "basic", "auth", "dp.", "putty-user-key", "pgp private", "re_",
    "curl", "$apr1$",
)  # fmt: skip
LONG = 20
#: told by a name and not by its form
ASSIGNED = "a password or token"


def find_keys(text: str) -> Iterator[tuple[str, int]]:
    """The keys that `text` seems to hold, each kind once with the 1-based line where it first stands, never the key."""
    small = text.lower()
    if not small.isascii():  # half a character, which code may write, is none to the automaton
        small = small.encode(errors="replace").decode()
    needed = {_NEEDS[word] for word, _, _ in _NEEDED.find_matches_as_indexes(small, overlapping=True)}
    for what, (needs, pattern) in _PATTERNS.items():
        match = None if needs and needed.isdisjoint(needs) else pattern.search(text)
        if match:
            yield what, text.count("\n", 0, match.start()) + 1
    if any(map(small.__contains__, _BASIC_WORDS)):
        for match in _BASIC.finditer(text):
            if _is_basic(match[1]):
                yield "a name and password for HTTP", text.count("\n", 0, match.start()) + 1
                break
    if any(map(small.__contains__, _ASSIGNED_WORDS)):
        for match in _ASSIGNED.finditer(text):
            if not _PLACEHOLDER.search(match[2]):
                yield ASSIGNED, text.count("\n", 0, match.start()) + 1
                return


def _is_basic(packed: str) -> bool:
    """True when it unpacks to `name:password`."""
    try:
        plain = base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return False
    name, colon, password = plain.partition(":")
    return bool(name and colon and len(password) >= 3) and plain.isprintable()


def digest_patterns() -> str:
    """The sha256 of all that `find_keys` looks for: a verdict holds for as long as it is the same."""
    every = [(what, pattern) for what, (_, pattern) in sorted(_PATTERNS.items())]
    every += [("assigned", _ASSIGNED), ("placeholder", _PLACEHOLDER), ("basic", _BASIC)]
    told = [(what, pattern.pattern, int(pattern.flags)) for what, pattern in every]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
