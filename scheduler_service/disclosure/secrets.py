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

_KEYWORD = KeywordDetector()
_DETECTORS: tuple[BasePlugin, ...] = (
    AWSKeyDetector(), AzureStorageKeyDetector(), BasicAuthDetector(), CloudantDetector(), DiscordBotTokenDetector(),
    GitHubTokenDetector(), GitLabTokenDetector(), IbmCloudIamDetector(), IbmCosHmacDetector(), JwtTokenDetector(),
    _KEYWORD, MailchimpDetector(), NpmDetector(), OpenAIDetector(), PrivateKeyDetector(), PypiTokenDetector(),
    SendGridDetector(), SlackDetector(), SoftlayerDetector(), SquareOAuthDetector(), StripeDetector(),
    TelegramBotTokenDetector(), TwilioKeyDetector(),
)  # fmt: skip
#: a line with neither a long word nor one of these words has no secret of a known form
_LONG_WORD = re.compile(r"[A-Za-z0-9_\-]{20}")
_SIGNS = (
    "://", "private key", "xox", "passw", "passp", "pwd", "contrase", "secret", "token", "key", "mot de passe",
    "mot_de", "kennwort", "senha", "bearer",
)  # fmt: skip
_UNQUOTED = re.compile(
    r"(?:password|passwd|pwd|passphrase|passwort|kennwort|contrase(?:ñ|n)a|mot[ _]de[ _]passe|senha|secret|api[_-]?key"
    r"|access[_-]?key|auth[_-]?token|token)[\"']?\s{0,3}[=:;,\t]\s{0,3}[\"']?(?=[^\s\"',;]*[0-9!#$%&*+?^])"
    r"([^\s\"'<>{}()\[\],;]{6,200})",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\bbearer\s+(?=[\w.~+/-]*\d)[\w.~+/-]{20,}", re.IGNORECASE)
#: what stands where a secret would
_PLACEHOLDER = re.compile(
    r"[<{$%*•]|x{4}|\.\.\.|your|change|example|dummy|redacted|hidden|none|null|true|false|environ|getpass|://"
    r"|^[\d.,:%-]+$"
    r"|(?:password|secret|token)$",
    re.IGNORECASE,
)


def find_secret(line: str) -> str | None:
    """Name the secret in a line, such as `a GitHub token`; None when there is none.  Never the secret."""
    if not _LONG_WORD.search(line):
        small = line.lower()
        if not any(sign in small for sign in _SIGNS):
            return None
    known = next((what for what, _ in key_patterns.find_keys(line)), None)
    if known:
        return known
    for detector in _DETECTORS:
        if any(_is_real(detector, found) for found in detector.analyze_string(line)):
            return _named(detector.secret_type)
    if any(not _PLACEHOLDER.search(match[1]) for match in _UNQUOTED.finditer(line)):
        return "a password or token"
    return "a bearer token" if _BEARER.search(line) else None


def find_secrets(lines: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Number of each line with a secret, and its kind."""
    for number, line in lines:
        what = find_secret(line)
        if what:
            yield number, what


def _is_real(detector: BasePlugin, found: str) -> bool:
    if detector is _KEYWORD:
        return len(found) >= 6 and not _PLACEHOLDER.search(found) and " " not in found.strip()
    return True


def _named(secret_type: str) -> str:
    """`a GitHub Token` of `GitHub Token`."""
    return f"{'an' if secret_type[0] in 'AEIO' else 'a'} {secret_type}"
