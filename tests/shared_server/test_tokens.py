"""The file of tokens: who is let in by it, and until when."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest

from jupyter_schedule.core import clock
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.shared_server.identity import Person, Role
from jupyter_schedule.shared_server.tokens import TOKENS, TokenFile, TokenIdentity
from tests.factories import NOON
from tests.shared_server.conftest import ANN, BOB, SharedServer, message_of

DAY = timedelta(days=1)


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path)


def find(file: TokenFile, token: str, after: timedelta = timedelta(0)) -> Person | None:
    return asyncio.run(TokenIdentity(file, lambda: NOON + after).find_person(token, anew=False))


def test_a_token_is_one_persons_and_the_file_tells_nobody_what_it_is(file: TokenFile) -> None:
    ann, bob = file.add("ann", Role.OWNER, NOON), file.add("bob", Role.OPERATOR, NOON)
    assert find(file, ann) == Person("ann", Role.OWNER)
    assert find(file, bob) == Person("bob", Role.OPERATOR)
    written = file.path.read_text()
    assert ann not in written
    assert bob not in written
    assert file.path.stat().st_mode & 0o777 == 0o600
    digests = [each["sha256"] for each in json.loads(written)]
    for other in ("", ann[:-1], ann + "x", ann.swapcase(), *digests):
        assert find(file, other) is None


def test_a_token_ends_when_it_is_revoked_and_when_its_days_are_over(file: TokenFile) -> None:
    first, second, other = (file.add(name, Role.OWNER, NOON, 2) for name in ("ann", "ann", "bob"))
    assert find(file, first, 2 * DAY - timedelta(seconds=1)) is not None
    assert find(file, first, 2 * DAY) is None
    assert file.revoke("ann") == 2
    assert [find(file, token) for token in (first, second)] == [None, None]
    assert find(file, other) == Person("bob", Role.OWNER)
    assert file.revoke("ann") == 0


@pytest.mark.parametrize("name", ["local", "scheduler", "", " ann", "a\nb", "x" * 256])
def test_a_name_that_stands_for_somebody_else_gets_none(file: TokenFile, name: str) -> None:
    with pytest.raises(Refused) as refused:
        file.add(name, Role.OWNER, NOON)
    assert refused.value.code == "bad_owner"
    assert not file.path.exists()


@pytest.mark.parametrize("damage", ["open", "broken", "other shape"])
def test_a_file_that_cannot_be_trusted_lets_nobody_in_and_says_so(
    server: SharedServer, tokens: dict[str, str], damage: str
) -> None:
    ann = server.asker(tokens[ANN])
    assert ann("GET", "schedules").status_code == 200
    path = server.folder / TOKENS
    if damage == "open":
        path.chmod(0o640)
    else:
        path.write_text('{"ann": "*"}' if damage == "other shape" else path.read_text()[:-5])
    refused = ann("GET", "schedules")
    assert refused.status_code == 503
    assert str(path) in message_of(refused)
    with pytest.raises(Refused, match=r"tokens\.json"):
        TokenFile(server.folder).read()


def test_a_token_counts_from_the_next_request_on_and_no_longer_than_it_is_there(server: SharedServer) -> None:
    file = TokenFile(server.folder)
    bob = server.asker(file.add(BOB, Role.OWNER, clock.now()))
    assert bob("GET", "schedules").status_code == 200
    file.revoke(BOB)
    assert bob("GET", "schedules").status_code == 403


def test_no_other_place_than_the_header_is_looked_at_for_a_token(server: SharedServer, tokens: dict[str, str]) -> None:
    nobody, token = server.asker(None), tokens[ANN]
    assert nobody("GET", "schedules", token=token).status_code == 403
    for headers in (
        {"Cookie": f"token={token}"},
        {"Authorization": token},
        {"Authorization": f"Basic {token}"},
        {"Authorization": f"Bearer {token} {token}"},
        {"Authorization": "Bearer"},
        {"X-Auth-Token": token},
    ):
        assert nobody.http.get("jupyter-schedule/schedules", headers=headers).status_code == 403, headers
    for scheme in ("token", "Bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {token}"}
        assert nobody.http.get("jupyter-schedule/schedules", headers=headers).status_code == 200
