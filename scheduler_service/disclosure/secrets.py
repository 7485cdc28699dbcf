"""Keys, tokens and passwords in text: the patterns of detect-secrets, and those of the preflight.

Of detect-secrets the detectors that know a form are used, not those that measure entropy: an aggregate may hold
digests of builds.  Its checks over the network are never called.
"""

import re

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
#: each detector, with words in small letters, or a form, without which it finds nothing
_DETECTORS: tuple[tuple[BasePlugin, tuple[str, ...] | re.Pattern[str]], ...] = (
    (AWSKeyDetector(), ("akia", "asia", "abia", "acca", "a3t", "aws")),
    (AzureStorageKeyDetector(), ("accountkey=",)),
    (BasicAuthDetector(), ("://",)),
    (CloudantDetector(), re.compile(r"cloudant|cl.{0,20}[a-z0-9]{24}", re.IGNORECASE)),
    (DiscordBotTokenDetector(), re.compile(r"[MNO][\w-]{23,25}\.[\w-]{6}\.")),
    (GitHubTokenDetector(), ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")),
    (GitLabTokenDetector(), re.compile(r"gl[a-z]{2,5}-|GR1348941")),
    (IbmCloudIamDetector(), re.compile(r"[\w-]{44}")),
    (IbmCosHmacDetector(), re.compile(r"[a-f0-9]{48}", re.IGNORECASE)),
    (JwtTokenDetector(), ("eyj",)),
    (_KEYWORD, ("key", "pass", "pwd", "secret", "contrase")),
    (MailchimpDetector(), ("-us",)),
    (NpmDetector(), ("_authtoken",)),
    (OpenAIDetector(), ("t3blbkfj",)),
    (PrivateKeyDetector(), ("begin ", "putty")),
    (PypiTokenDetector(), ("pypi-",)),
    (SendGridDetector(), ("sg.",)),
    (SlackDetector(), ("xox", "hooks.slack")),
    (SoftlayerDetector(), re.compile(r"[a-z0-9]{64}", re.IGNORECASE)),
    (SquareOAuthDetector(), ("sq0csp",)),
    (StripeDetector(), ("k_live_",)),
    (TelegramBotTokenDetector(), re.compile(r"\d{8,10}:[\w-]{35}")),
    (TwilioKeyDetector(), re.compile(r"(?:AC|SK)[a-z0-9]{32}")),
)
#: a line without these and without a long word has no secret of a known form
_WORDS = (*key_patterns.WORDS, "passp", "contrase", "mot de passe", "mot_de", "kennwort", "senha", "bearer")
#: a word of letters alone is none, but for what its beginning tells
_MIXED = re.compile(r"(?<![\w-])(?=[a-z_/+-]{0,200}[A-Z0-9])[\w/+-]{20}")
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


def may_hold_secret(text: str) -> bool:
    """False when no line of the text has a secret; much quicker than to look for one."""
    signs = look(text)
    if any(map(signs.small.__contains__, _WORDS)) or (signs.has_run(key_patterns.LONG) and _MIXED.search(text)):
        return True
    return text.count(":") >= 4 and _PASSWORD_LINE.search(text) is not None


def find_secret(line: str) -> str | None:
    """Name the secret in a line, such as `a GitHub token`; None when there is none.  Never the secret."""
    return _find_secret(line) if may_hold_secret(line) else None


def _find_secret(line: str) -> str | None:
    known = next((what for what, _ in key_patterns.find_keys(line)), None)
    if known:
        return known
    small = line.lower()
    quoted = any(sign in line for sign in "'\"`")
    for detector, needs in _DETECTORS:
        if isinstance(needs, re.Pattern):
            if not needs.search(line):
                continue
        elif not any(map(small.__contains__, needs)) or (detector is _KEYWORD and not quoted):
            continue
        if any(_is_real(detector, found) for found in detector.analyze_string(line)):
            return _named(detector.secret_type)
    if any(not _PLACEHOLDER.search(match[1]) for match in _UNQUOTED.finditer(line)):
        return "a password or token"
    if _BEARER.search(line):
        return "a bearer token"
    if _PASSWORD_LINE.search(line):
        return "a line of a password file"
    return "an AWS secret key" if any(_is_by_chance(match[1]) for match in _ALONE.finditer(line)) else None


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
