"""Find the property of one person: payment cards, accounts, telephones, numbers of the state, names.  Pure.

Card numbers are known by the digit of Luhn (ISO/IEC 7812-1, Annex B), accounts by the remainder of ISO 13616.
"""

import re
from collections.abc import Iterator

from scheduler_service.disclosure.first_names import FIRST_NAMES
from scheduler_service.disclosure.signs import look

_CARD = re.compile(r"(?<![\w.,+-])(?:\d{4}([ -]?)\d{4}\1\d{4}\1\d{4}|3[47]\d\d([ -]?)\d{6}\2\d{5})(?![\w-]|[.,]\d)")
#: the first digits of cards that people carry: Visa, Mastercard, American Express, Discover, JCB, UnionPay
_ISSUER = re.compile(r"4|5[1-5]|2(?:2[2-9]|[3-6]|7[01])|3[47]|6011|64[4-9]|65|35(?:2[89]|[3-8])|62")
_IBAN = re.compile(r"(?<![\w])([A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?)(?![\w])")
_SOCIAL = re.compile(r"(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
_SOCIAL_WORD = re.compile(r"ssn|social.?sec", re.IGNORECASE)
_PHONE = re.compile(
    r"(?:\+|00)[1-9]\d{0,2}[ ()./-]{0,3}(?:\d[ ()./-]{0,3}){6,12}\d|\(?[2-9]\d\d\)?[ .-]{1,2}\d{3}[ .-]\d{4}"
    r"|0\d{2,5}[ /-]{1,3}\d(?:[\d ]){4,9}\d"
)
_PHONE_SAID = re.compile(
    r"\b(?:tel|phone|mobile|mobil|handy|fon|telefon|telefono|teléfono|cell|call|whatsapp)\b[.:\s\w]{0,12}?"
    r"[:.\s(+]{1,4}(?:\+|00)?\(?\d[\d ()/.-]{7,18}\d",
    re.IGNORECASE,
)
_VCARD = re.compile(r"BEGIN:VCARD|\"vcard\"|^(?:ATTENDEE|ORGANIZER)[;:]", re.IGNORECASE | re.MULTILINE)
_NAME = re.compile(
    r"(?:(?:dr|prof|mr|mrs|ms|herr|frau|sr|sra|mme|m)\.? )?([^\W\d_][\w'\u2019-]{1,20}),? (?:[^\W\d_]\.? )?"
    r"(?:(?:van|von|de|der|den|del|di|da|la|le|al|el|bin|zu) ){0,2}"
    r"([^\W\d_][\w'\u2019-]{1,25})(?: [^\W\d_][\w'\u2019-]{1,25})? ?\d*",
    re.IGNORECASE,
)


def person_places(text: str) -> Iterator[int]:
    """Places on lines that may have anything that `find_persons` finds."""
    signs = look(text)
    yield from signs.cards()
    if signs.has_account():
        yield from (match.start() for match in _IBAN.finditer(text))
    if signs.social:
        yield from signs.words("social")
    yield from signs.words("calendar")
    if signs.words("telephone"):
        yield from (match.start() for match in _PHONE_SAID.finditer(text))


def may_hold_person(text: str) -> bool:
    """False when no line of the text has anything that `find_persons` finds."""
    return any(True for _ in person_places(text))


def find_persons(line: str) -> Iterator[str]:
    """Phrases of what in a line belongs to one person."""
    if any(is_card(match[0]) for match in _CARD.finditer(line)):
        yield "the number of a payment card"
    if any(is_account(match[1]) for match in _IBAN.finditer(line)):
        yield "the number of a bank account"
    if _SOCIAL_WORD.search(line) and _SOCIAL.search(line):
        yield "a social security number"
    if _VCARD.search(line):
        yield "somebody's card of addresses"
    if _PHONE_SAID.search(line):
        yield "a telephone number"


def is_card(text: str) -> bool:
    """True when the text is the number of a payment card."""
    if not _CARD.fullmatch(text):
        return False
    digits = [int(sign) for sign in text if sign.isdigit()]
    plain = "".join(map(str, digits))
    if not _ISSUER.match(plain) or len(set(digits)) < 2:
        return False
    doubled = [digit if place % 2 == 0 else digit * 2 - 9 * (digit > 4) for place, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def is_account(text: str) -> bool:
    """True when the text is the number of a bank account."""
    plain = text.replace(" ", "")
    if not 15 <= len(plain) <= 34 or not _IBAN.fullmatch(text):
        return False
    turned = plain[4:] + plain[:4]
    return int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1


def is_phone(text: str) -> bool:
    """True when a cell has the form of a telephone number."""
    return 8 <= len(text) <= 24 and _PHONE.fullmatch(text) is not None


def is_social(text: str) -> bool:
    """True when a cell has the form of a social security number of the USA."""
    return _SOCIAL.fullmatch(text) is not None


def is_full_name(text: str) -> bool:
    """True when a cell reads as somebody's first and last name, in either order."""
    match = _NAME.fullmatch(text) if 5 <= len(text) <= 60 and " " in text else None
    if not match or not (match[1][0].isupper() and match[2][0].isupper()):
        return False
    return match[1].lower() in FIRST_NAMES or ("," in text and match[2].lower() in FIRST_NAMES)
