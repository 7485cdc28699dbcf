"""Read what column names say: whose identifier, a count, an aggregate, the name of a build.  Pure; a few languages.

A name is split into words at signs and capitals, without accents: `Kunden-Nr.` is `kunden nr`, `userId` is `user id`.
"""

import re
import unicodedata
from functools import lru_cache


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: somebody, or something that stands for somebody
_WHO = _set(
    "client user customer member patient person student pupil employee staff visitor device session account subscriber "
    "household respondent participant cookie browser citizen guest donor applicant contact driver passenger tenant "
    "voter owner author profile installation machine kunde kunden benutzer nutzer patienten mitarbeiter personal "
    "mitglied mitglieds matrikel teilnehmer gast cliente usuario paciente alumno empleado utilisateur abonne eleve "
    "salarie klant gebruiker utente impiegato usuaria telemetry anonymous distinct advertising subject "
    "proband probanden sujet sujeto"
)
#: something that happened once
_EVENT = _set(
    "order transaction trip ride visit request event record case invoice booking payment message claim encounter "
    "admission purchase call response submission entry hit pageview ping bestellung buchung rechnung vorgang pedido "
    "factura commande facture transaccion"
)
_ID = _set("id ids uuid guid nr no number nummer numero hash token key pseudonym identifier kennung code")
#: identifying by itself
_DIRECT = _set(
    "email mail courriel correo phone telephone telefon telefono mobile handy tel cellphone ssn nin iban passport imei "
    "imsi surname lastname firstname fullname vorname nachname prenom apellido apellidos cognome username login uid "
    "dob birthdate birthday geburtsdatum geburtstag ip ipaddress ipaddr mac macaddress street strasse strase "
    "kundennummer kundennr patientennummer matrikelnummer personalnummer versicherungsnummer steuernummer "
    "mitgliedsnummer sozialversicherungsnummer kennzeichen userid clientid customerid patientid sessionid deviceid "
    "visitorid accountid memberid employeeid personid idfa gaid maid"
)
_CHANNEL = _set("email mail phone mobile handy tel telefon telephone login")
_DIRECT_PAIRS = (
    _set("e mail"), _set("first name"), _set("last name"), _set("full name"), _set("family name"), _set("given name"),
    _set("user name"), _set("birth date"), _set("date birth"), _set("fecha nacimiento"), _set("date naissance"),
    _set("ip address"), _set("ip addr"), _set("mac address"), _set("home address"), _set("street address"),
    _set("postal address"), _set("card number"), _set("license plate"), _set("social security"), _set("client ip"),
    _set("nom famille"), _set("remote addr"), _set("source ip"),
)  # fmt: skip
#: together they point at somebody
_QUASI = _set(
    "age alter edad eta sex gender geschlecht sexo sexe genero sesso zip zipcode postcode postal plz birth income "
    "salary gehalt einkommen salario salaire revenu diagnosis diagnose diagnostico diagnostic icd icd10 race ethnicity "
    "religion marital familienstand occupation beruf profession ocupacion education nationality nacionalidad height "
    "weight smoker disability lat lon lng latitude longitude address adresse direccion medication bmi treatment"
)
_COUNT = _set(
    "count counts cnt freq frequency anzahl cantidad conteo recuento aantal quantidade hits total totals users clients "
    "visitors people persons patients cases customers members responses respondents sessions visits trips rides deaths "
    "births students employees pings profiles households population nutzer kunden kunde clientes pacientes usuarios "
    "utilisateurs besucher faelle falle cas casos personnes personas besuche visites participants subscribers devices "
    "orders haufigkeit effectif nombre conteggio utenti patienten teilnehmer"
)
_AGGREGATE = _set(
    "mean avg average median pct percent percentage rate share ratio std sd stddev sum min max var variance quantile "
    "percentile proportion anteil durchschnitt mittelwert summe media promedio mediana moyenne mediane taux part "
    "quote density cumulative ci lower upper iqr porcentaje pourcentage"
)
#: a number, but not of people: minutes, money, positions
_MEASURE = _set(
    "minutes seconds hours days bytes kb mb gb ms score price revenue amount cost eur usd year month day week quarter "
    "index rank version change diff delta growth per id code weight height age"
)
_BUILD = _set(
    "build commit sha sha1 sha256 sha512 md5 digest checksum revision rev etag version image artifact git bundle "
    "release changeset crc blob tree tag"
)
#: what stands in texts; who counts words counts nobody
_LANGUAGE = _set(
    "word words term terms token tokens ngram bigram trigram letter character char lemma stem mot mots wort worter "
    "palabra palabras parola"
)
_VERSION = _BUILD | _set("ver app os platform firmware driver package software chrome firefox api")
_ADDRESS = _set("ip ipv4 ipv6 addr address host hostname client source src dst remote from peer server origin")


@lru_cache(maxsize=4096)
def split_words(name: str) -> tuple[str, ...]:
    """The words of a name, small and without accents."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name[:200])
    plain = unicodedata.normalize("NFKD", apart.replace("ß", "ss"))
    return tuple(re.findall(r"[^\W_]+", "".join(sign for sign in plain if not unicodedata.combining(sign)).lower()))


def identifies(name: str) -> bool:
    """True when a column of this name holds what belongs to a person or device: `user_id`, `Telefon`, `IP address`."""
    found = split_words(name)
    known = set(found)
    if is_count(name) or known & _AGGREGATE:
        return False
    if len(found) <= 3 and (known & _DIRECT or any(pair <= known for pair in _DIRECT_PAIRS)):
        return True
    return len(found) >= 2 and found[-1] in _ID and bool(known & _WHO) and not known & _BUILD


def may_count(name: str) -> bool:
    """True when such a name also is a kind of device or channel, whose whole numbers are counts: `mobile`, `email`."""
    return set(split_words(name)) <= _CHANNEL


def stands_for_somebody(name: str) -> bool:
    """True when a column of this name holds people by name or number, if its values differ: `client`, `patient`."""
    return set(split_words(name)) <= _WHO and bool(split_words(name))


def is_event(name: str) -> bool:
    """True when a column of this name numbers single events: `order_id`."""
    found = split_words(name)
    return len(found) >= 2 and found[-1] in _ID and bool(set(found) & _EVENT)


def is_count(name: str) -> bool:
    """True when a column of this name counts: `n`, `n_users`, `clients`, `Anzahl Kunden`."""
    found = split_words(name)
    known = set(found)
    if not found or known & (_AGGREGATE | _MEASURE) or found[-1] in _ID:
        return False
    first = found[0] in {"n", "num", "nb", "nr"} or found[:2] == ("number", "of")
    return first or found[-1] == "n" or bool(known & _COUNT)


def is_aggregate(name: str) -> bool:
    """True when a column of this name sums something up: counts, means, shares, percentiles."""
    found = split_words(name)
    return is_count(name) or any(word in _AGGREGATE or re.fullmatch(r"p\d{1,2}|q[1-4]", word) for word in found)


def narrows_down(name: str) -> bool:
    """True when a column of this name describes somebody: `age`, `PLZ`, `diagnosis`."""
    return bool(set(split_words(name)) & _QUASI)


def is_build(name: str) -> bool:
    """True when a column of this name holds what names builds and files."""
    return bool(set(split_words(name)) & _BUILD)


def is_version(name: str) -> bool:
    """True when a column of this name may hold versions such as 1.2.3.4."""
    return bool(set(split_words(name)) & _VERSION)


def is_address(name: str) -> bool:
    """True when a column of this name may hold addresses of machines."""
    return bool(set(split_words(name)) & _ADDRESS) and not is_version(name)


def is_language(name: str) -> bool:
    """True when a column of this name holds words of a text."""
    return bool(set(split_words(name)) & _LANGUAGE)
