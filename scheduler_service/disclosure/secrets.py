"""Keys, tokens and passwords in text: the patterns of detect-secrets, and those of the preflight.

Of detect-secrets the detectors that know a form are used, not those that measure entropy: an aggregate may hold
digests of builds.  Its checks over the network are never called.
"""

import re
from collections.abc import Iterator

from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.base import BasePlugin
from detect_secrets.plugins.basic_auth import BasicAuthDetector
from detect_secrets.plugins.cloudant import CloudantDetector
from detect_secrets.plugins.discord import DiscordBotTokenDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.ibm_cloud_iam import IbmCloudIamDetector
from detect_secrets.plugins.ibm_cos_hmac import IbmCosHmacDetector
from detect_secrets.plugins.jwt import JwtTokenDetector
from detect_secrets.plugins.keyword import KeywordDetector
from detect_secrets.plugins.mailchimp import MailchimpDetector
from detect_secrets.plugins.npm import NpmDetector
from detect_secrets.plugins.openai import OpenAIDetector
from detect_secrets.plugins.private_key import PrivateKeyDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.softlayer import SoftlayerDetector
from detect_secrets.plugins.square_oauth import SquareOAuthDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector

from jupyter_schedule.core import key_patterns
from scheduler_service.disclosure.signs import look

_KEYWORD = KeywordDetector()
_ASSIGNING = ("key", "pass", "pwd", "pw", "token")
#: as its list of what it takes for names of secrets has them
_KEYWORDS = (
    *(f"{of}{between}key" for of in ("api", "auth", "service", "account", "db", "database", "priv", "private", "client")
      for between in ("", "_")),
    *(f"{of}{between}pass" for of in ("db", "database", "key") for between in ("", "_")),
    "password", "passwd", "pwd", "secret", "contrase",
)  # fmt: skip
#: each detector, with words in small letters without which it finds nothing, and letters of a run that it needs
_DETECTORS: tuple[tuple[BasePlugin, tuple[str, ...], int], ...] = (
    (AWSKeyDetector(), ("akia", "asia", "abia", "acca", "a3t", "aws"), 16),
    (AzureStorageKeyDetector(), ("accountkey=",), 20),
    (BasicAuthDetector(), ("://",), 0),
    (CloudantDetector(), ("cl",), 24),
    (DiscordBotTokenDetector(), ("m", "n", "o"), 23),
    (GitHubTokenDetector(), ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), 36),
    (GitLabTokenDetector(), ("gl", "gr1348941"), 20),
    (IbmCloudIamDetector(), (), 44),
    (IbmCosHmacDetector(), (), 48),
    (JwtTokenDetector(), ("eyj",), 0),
    (_KEYWORD, _KEYWORDS, 0),
    (MailchimpDetector(), ("-us",), 32),
    (NpmDetector(), ("_authtoken",), 0),
    (OpenAIDetector(), ("t3blbkfj",), 20),
    (PrivateKeyDetector(), ("begin ", "putty"), 0),
    (PypiTokenDetector(), ("pypi-",), 40),
    (SendGridDetector(), ("sg.",), 0),
    (SlackDetector(), ("xox", "hooks.slack"), 0),
    (SoftlayerDetector(), (), 64),
    (SquareOAuthDetector(), ("sq0csp",), 0),
    (StripeDetector(), ("k_live_",), 0),
    (TelegramBotTokenDetector(), (":",), 35),
    (TwilioKeyDetector(), ("ac", "sk"), 34),
)
_MIXED = re.compile(r"[A-Z0-9]")
#: letters of the shortest run that is measured
SHORTEST_RUN = 16
_ASSIGNED = (
    "password", "passwd", "pwd", "passphrase", "passwort", "kennwort", "contrase", "mot de passe", "mot_de_passe",
    "senha", "secret", "api", "access", "auth", "token",
)  # fmt: skip
_UNQUOTED = re.compile(
    r"(?:password|passwd|pwd|passphrase|passwort|kennwort|contrase(?:ñ|n)a|mot[ _]de[ _]passe|senha|secret|api[_-]?key"
    r"|access[_-]?key|auth[_-]?token|token)[\"']?\s{0,3}[=:;,\t]\s{0,3}[\"']?(?=[^\s\"',;]*[0-9!#$%&*+?^])"
    r"([^\s\"'<>{}()\[\],;]{6,200})",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\bbearer\s+(?=[\w.~+/-]*\d)[\w.~+/-]{20,}", re.IGNORECASE)
#: host, port, database, account and password, as PostgreSQL's programs read them
_PASSWORD_LINE = re.compile(
    r"(?m)(?:^|(?<=[\s\"'>]))[\w.*-]{1,80}:(?:\d{2,5}|\*):[\w*-]{1,60}:[\w*-]{1,60}:(?=\S*[A-Za-z])\S{6,}"
)
#: 40 signs of base64 by themselves
_ALONE = re.compile(r"(?<![A-Za-z0-9/+=_.-])([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=_.-])")
#: what stands where a secret would
_PLACEHOLDER = re.compile(
    r"[<{$%*•]|x{4}|\.\.\.|your|change|example|dummy|redacted|hidden|none|null|true|false|environ|getpass|://"
    r"|^[\d.,:%-]+$"
    r"|(?:password|secret|token)$",
    re.IGNORECASE,
)


def secret_places(text: str) -> Iterator[int]:
    """Places on lines that may have a secret; much quicker than to look for one."""
    signs = look(text)
    yield from signs.words("secret")
    # a word of letters alone is none, but for what its beginning tells
    yield from (start for start, end in signs.runs(key_patterns.LONG) if _MIXED.search(text, start, end))
    yield from signs.password_lines()


def may_hold_secret(text: str) -> bool:
    """False when no line of the text has a secret."""
    return any(True for _ in secret_places(text))


def find_secret(line: str) -> str | None:
    """Name the secret in a line, such as `a GitHub token`; None when there is none.  Never the secret."""
    return _find_secret(line) if may_hold_secret(line) else None


def _find_secret(line: str) -> str | None:
    known = next((what for what, _ in key_patterns.find_keys(line)), None)
    if known:
        return known
    signs = look(line)
    small = signs.small
    longest = max((end - start for start, end in signs.runs(SHORTEST_RUN)), default=0)
    quoted = any(sign in line for sign in "'\"`")
    for detector, words, run in _DETECTORS:
        needed = longest >= run and (not words or any(map(small.__contains__, words)))
        if not needed or (detector is _KEYWORD and not quoted):
            continue
        if any(_is_real(detector, found) for found in detector.analyze_string(line)):
            return _named(detector.secret_type)
    if any(map(_is_assigned, _assigned(line, small))):
        return "a password or token"
    if "bearer" in small and _BEARER.search(line):
        return "a bearer token"
    if line.count(":") >= 4 and _PASSWORD_LINE.search(line):
        return "a line of a password file"
    alone = _ALONE.finditer(line) if longest >= 40 else ()
    return "an AWS secret key" if any(_is_by_chance(match[1]) for match in alone) else None


def _assigned(line: str, small: str) -> Iterator[str]:
    """Values that are given to what is called a password or the like, without quotes."""
    for word in _ASSIGNED:
        place = small.find(word)
        while place >= 0:
            match = _UNQUOTED.match(line, place)
            if match:
                yield match[1]
            place = small.find(word, place + len(word))


def _is_assigned(value: str) -> bool:
    return not _PLACEHOLDER.search(value)


def _is_by_chance(word: str) -> bool:
    """True when 40 signs are as mixed as chance mixes them, and no path or name."""
    return (
        len(set(word)) >= 20
        and sum(sign.isdigit() for sign in word) >= 2
        and sum(sign.isupper() for sign in word) >= 6
        and sum(sign.islower() for sign in word) >= 6
        and re.search(r"[a-z]{7}|[A-Z]{8}", word) is None
    )


def _is_real(detector: BasePlugin, found: str) -> bool:
    if detector is _KEYWORD:
        return len(found) >= 6 and not _PLACEHOLDER.search(found) and " " not in found.strip()
    return True


def _named(secret_type: str) -> str:
    """`a GitHub Token` of `GitHub Token`."""
    return f"{'an' if secret_type[0] in 'AEIO' else 'a'} {secret_type}"
