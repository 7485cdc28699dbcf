"""A data role: user code gets its credentials, anew when they near their end, and nobody else on the machine does."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.credentials import ContainerProvider

from jupyter_schedule.core.errors import Refused
from scheduler_service.worker.credentials import CredentialsServer

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


class Sts:
    """Gives sessions of an hour, by a clock in hand."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)
        self.sessions = 0

    def assume(self) -> dict[str, Any]:
        self.sessions += 1
        return {
            "AccessKeyId": f"ASIA{self.sessions}",
            "SecretAccessKey": "secret",
            "SessionToken": "token",
            "Expiration": self.now + timedelta(hours=1),
        }


@pytest.fixture
def sts() -> Sts:
    return Sts()


@pytest.fixture
def role(sts: Sts) -> Iterator[CredentialsServer]:
    made = CredentialsServer("arn:aws:iam::111122223333:role/data", sts.assume, lambda: sts.now)
    yield made
    made._server.shutdown()
    made._server.server_close()


def test_amazons_own_library_finds_it_by_the_runs_environment(role: CredentialsServer) -> None:
    found = ContainerProvider(environ=role.environment()).load()
    assert found
    assert found.get_frozen_credentials().access_key == "ASIA1"


def test_credentials_that_near_their_end_are_replaced_and_others_kept(role: CredentialsServer, sts: Sts) -> None:
    path, token = "/data-role", role.environment()["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
    sts.now += timedelta(minutes=49)
    assert b"ASIA1" in (role.answer(path, token) or b"")
    sts.now += timedelta(minutes=2)
    assert b"ASIA2" in (role.answer(path, token) or b"")


def test_who_does_not_have_the_token_gets_nothing(role: CredentialsServer) -> None:
    address = role.environment()["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(address, headers={"Authorization": "guessed"}))
    assert refused.value.code == 403
    refused.value.close()


def test_a_role_that_workers_may_not_assume_ends_the_run_with_a_sentence() -> None:
    def refuse() -> dict[str, Any]:
        raise OSError("AccessDenied")

    with pytest.raises(Refused, match=r"can't be assumed \(AccessDenied\)"):
        CredentialsServer("arn:aws:iam::111122223333:role/data", refuse, lambda: NOON)
