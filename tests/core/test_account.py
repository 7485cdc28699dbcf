"""The key of an account, and what only it can prove."""

import threading
from pathlib import Path

import pytest

from jupyter_schedule.core.account import KEY_FILE, AccountKey
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.models import Policies, Spec
from tests.factories import make_spec

SPEC = make_spec(parameters={"n": 1, "nested": {"é": [1.5, None]}}, policies=Policies(retries=2), env=("TOKEN",))


@pytest.fixture
def key(tmp_path: Path) -> AccountKey:
    return AccountKey.open(tmp_path / "own")


def read_back(spec: Spec) -> Spec:
    """The spec as a ledger gives it back."""
    return Spec.model_validate_json(spec.model_dump_json())


@pytest.mark.promise("P36")
def test_what_an_account_recorded_is_known_by_its_key_and_by_no_other(key: AccountKey, tmp_path: Path) -> None:
    sealed = read_back(key.seal("s1", SPEC))
    assert key.has_sealed("s1", sealed)
    assert AccountKey.open(tmp_path / "own").has_sealed("s1", sealed)
    assert not AccountKey.open(tmp_path / "other").has_sealed("s1", sealed)
    assert not key.has_sealed("another schedule", sealed)
    assert not key.has_sealed("s1", SPEC)


@pytest.mark.parametrize(
    "change",
    [
        {"command": "id"},
        {"bundle": "1" * 64},
        {"parameters": {"n": 2}},
        {"env": ("TOKEN", "KEY")},
        {"publication_base": "file:///home/bob"},
        {"timeout": 1440},
        {"launcher": "ec2"},
    ],
)
def test_whatever_is_changed_breaks_the_seal(key: AccountKey, change: dict[str, object]) -> None:
    forged = key.seal("s1", SPEC).model_copy(update=change)
    assert not key.has_sealed("s1", forged)


def test_an_edit_is_sealed_anew(key: AccountKey) -> None:
    edited = key.seal("s1", SPEC).model_copy(update={"command": "id"})
    assert key.has_sealed("s1", key.seal("s1", edited))


def test_a_seal_is_no_signature_of_a_document(key: AccountKey) -> None:
    document = {"command": "id", "n": [1, 2.5, None]}
    code = key.sign(document)
    assert key.has_signed(dict(reversed(document.items())), code)
    assert not key.has_signed(document | {"command": "rm"}, code)
    assert not key.has_signed(document, None)


def test_the_key_is_its_accounts_alone(key: AccountKey, tmp_path: Path) -> None:
    path = tmp_path / "own" / KEY_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert str(key.secret) not in repr(key)
    assert [each.name for each in path.parent.iterdir()] == [KEY_FILE]
    path.chmod(0o640)
    with pytest.raises(Refused, match="chmod 600"):
        AccountKey.open(path.parent)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(Refused, match="isn't a key of ours"):
        AccountKey.open(path.parent)


def test_of_several_who_make_it_at_once_all_have_the_same(tmp_path: Path) -> None:
    start, names = threading.Barrier(8), set()

    def make() -> None:
        start.wait()
        names.add(AccountKey.open(tmp_path / "new").name)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names) == 1
