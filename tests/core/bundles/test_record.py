"""What is known of a bundle lies beside it."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from jupyter_schedule.core import key_patterns
from jupyter_schedule.core.bundles.packaging import BuiltBundle, PackagingRequest, build_bundle
from jupyter_schedule.core.bundles.record import BundleRecord, KeyPlace, describe_archive, keep_bundle, read_record
from jupyter_schedule.core.bundles.stored import build_spec, check_parameters, read_files, receive_bundle
from jupyter_schedule.core.errors import Refused
from jupyter_schedule.core.notebooks.parameters import ParameterType
from jupyter_schedule.core.object_keys import bundle_key, bundle_of, bundle_record_key
from jupyter_schedule.core.operations import publication_policy
from jupyter_schedule.core.storage.factory import LocalStorage, file_digest
from tests.engine import DAILY, notebook_of


class CountingStorage(LocalStorage):
    """Counts the tarballs that are fetched, whole or in memory."""

    fetched = 0

    def fetch(self, key: str, destination: Path) -> None:
        type(self).fetched += key.endswith(".tar.gz")
        super().fetch(key, destination)

    def get(self, key: str) -> bytes:
        type(self).fetched += key.endswith(".tar.gz")
        return super().get(key)


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CountingStorage:
    monkeypatch.setattr(CountingStorage, "fetched", 0)
    return CountingStorage(tmp_path / "objects")


@pytest.fixture
def asked(tmp_path: Path) -> PackagingRequest:
    path = tmp_path / "work/report.ipynb"
    path.parent.mkdir()
    path.write_text(json.dumps(notebook_of("print(month)", parameters="month = 3")))
    (path.parent / "data.csv").write_text("a")
    return PackagingRequest(timing=DAILY, notebook=path, files=("work/data.csv",))


@pytest.fixture
def made(asked: PackagingRequest, tmp_path: Path, storage: CountingStorage) -> BuiltBundle:
    return build_bundle(asked, tmp_path, storage)


def tarball(folder: Path, files: dict[str, str]) -> Path:
    source = folder / "code"
    source.mkdir()
    for name, text in files.items():
        (source / name).write_text(text)
    packed = folder / "code.tar.gz"
    subprocess.run(["tar", "czf", packed, "-C", source, *files], check=True)
    return packed


def test_a_schedule_is_made_of_a_digest_without_a_fetch(
    made: BuiltBundle, asked: PackagingRequest, tmp_path: Path, storage: CountingStorage
) -> None:
    """All that creating, also a public schedule, and other parameters need lies beside the bundle."""
    changed = asked.model_copy(update={"parameter_texts": {"month": "5"}})
    spec = build_spec(changed, tmp_path, storage, made.spec.bundle)

    assert spec == made.spec.model_copy(update={"parameters": {"month": 5}})
    assert check_parameters(spec, storage, {"month": 6}, {}) == {"month": 6}
    publication_policy.check_code(spec, storage)
    assert read_record(storage, spec.bundle).files["data.csv"] == file_digest(tmp_path / "work/data.csv")
    assert storage.fetched == 0


def test_parameters_are_checked_against_the_bundled_notebook(made: BuiltBundle, storage: CountingStorage) -> None:
    with pytest.raises(Refused) as refused:
        check_parameters(made.spec, storage, {}, {"mont": "5"})
    assert refused.value.code == "unknown_parameter"
    other = made.spec.model_copy(update={"notebook": "other.ipynb"})
    with pytest.raises(Refused) as refused:
        check_parameters(other, storage, {}, {"month": "5"})
    assert refused.value.code == "not_its_bundle"


def test_a_record_holds_what_the_tarball_holds(made: BuiltBundle, storage: CountingStorage) -> None:
    """The record that was written with the bundle equals the one that is made of the tarball."""
    storage.delete(bundle_record_key(made.spec.bundle))
    assert read_record(storage, made.spec.bundle) == made.record
    assert read_record(storage, made.spec.bundle) == made.record
    assert storage.fetched == 1


@pytest.mark.parametrize("content", [b"", b'{"shape": 1, "bundle": "', b'{"shape": 2}', b"[]"])
def test_a_record_that_is_torn_or_of_another_shape_is_made_anew(
    content: bytes, made: BuiltBundle, storage: CountingStorage
) -> None:
    storage.put(bundle_record_key(made.spec.bundle), content)
    assert read_record(storage, made.spec.bundle) == made.record
    assert BundleRecord.model_validate_json(storage.get(bundle_record_key(made.spec.bundle))) == made.record


def test_a_record_that_was_made_with_other_key_patterns_is_made_anew(
    tmp_path: Path, storage: CountingStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bundle without keys, as far as they were known then, isn't public for that once more of them are known."""
    packed = tarball(tmp_path, {"a.py": "key = 'corp_0123456789'"})
    digest = describe_archive(packed)[0].bundle
    receive_bundle(storage, packed, digest)
    assert read_record(storage, digest).keys == ()
    before = key_patterns.digest_patterns()
    ours = frozenset[str](), re.compile(r"\bcorp_[0-9]{10}\b")
    monkeypatch.setitem(key_patterns._PATTERNS, "a key of our company", ours)
    assert key_patterns.digest_patterns() != before
    assert read_record(storage, digest).keys == (KeyPlace(path="a.py"),)
    assert read_record(storage, digest).keys == (KeyPlace(path="a.py"),)
    assert storage.fetched == 1


def test_a_record_of_before_key_patterns_were_noted_is_made_anew(made: BuiltBundle, storage: CountingStorage) -> None:
    old = made.record.model_dump(mode="json")
    del old["key_patterns"]
    storage.put(bundle_record_key(made.spec.bundle), json.dumps(old).encode())
    assert read_record(storage, made.spec.bundle) == made.record
    assert storage.fetched == 1


def test_of_a_bundle_that_is_gone_there_is_no_record(storage: CountingStorage) -> None:
    with pytest.raises(Refused) as refused:
        read_record(storage, "0" * 64)
    assert refused.value.code == "no_such_bundle"


def test_a_tarball_under_a_name_that_is_not_its_own_is_refused(made: BuiltBundle, storage: CountingStorage) -> None:
    storage.put(bundle_key("0" * 64), storage.get(bundle_key(made.spec.bundle)))
    with pytest.raises(Refused) as refused:
        read_record(storage, "0" * 64)
    assert refused.value.code == "bundle_changed"


def test_a_bundle_whose_record_was_lost_gets_it_with_the_next_preview(
    made: BuiltBundle, asked: PackagingRequest, tmp_path: Path, storage: CountingStorage
) -> None:
    storage.delete(bundle_record_key(made.spec.bundle))
    build_bundle(asked, tmp_path, storage)
    assert storage.get_or_none(bundle_record_key(made.spec.bundle)) is not None


def test_a_tarball_gets_its_record_when_it_is_received(tmp_path: Path, storage: CountingStorage) -> None:
    """Also code of any kind, with what looks like a key in it."""
    key = "AKIA" + "ABCDEFGHIJKLMNOP"
    cells = json.dumps(notebook_of("1", key))
    packed = tarball(tmp_path, {"run.sh": "echo 1", "a.py": f"key = '{key}'", "b.ipynb": cells})
    spec = build_bundle(PackagingRequest(timing=DAILY, tarball=packed), tmp_path, LocalStorage(tmp_path / "o")).spec
    size = packed.stat().st_size

    assert receive_bundle(storage, packed, spec.bundle) == (spec.bundle, 3)

    record = read_record(storage, spec.bundle)
    assert (record.notebook, sorted(record.files)) == (None, ["a.py", "b.ipynb", "run.sh"])
    assert record.keys == (KeyPlace(path="a.py"), KeyPlace(path="b.ipynb", cell="cell 2"))
    assert storage.size(bundle_key(spec.bundle)) == size
    request = PackagingRequest(timing=DAILY, command="./run.sh")
    assert build_spec(request, tmp_path, storage, spec.bundle).bundle == spec.bundle
    with pytest.raises(Refused) as refused:
        publication_policy.check_code(spec, storage)
    assert refused.value.code == "key_in_code"
    assert storage.fetched == 0
    assert read_files(storage, spec.bundle, {"run.sh"}) == {"run.sh": b"echo 1"}


@pytest.mark.parametrize(
    "document",
    [
        r'{"notebook": "\ud800", "kernel": "k", "output_dir": "o"}',
        r'{"notebook": "a.ipynb", "kernel": "\udfff", "output_dir": "o"}',
        '{"notebook": "a.ipynb", "kernel": 3, "output_dir": "o"}',
        '{"cron": "0 12 * * *"}',
        "[]",
        "no JSON",
    ],
)
def test_a_file_of_that_name_that_says_no_notebook_in_clean_text_is_a_file_as_any_other(
    document: str, tmp_path: Path, storage: CountingStorage
) -> None:
    packed = tarball(tmp_path, {"run.sh": "echo 1", "schedule.json": document})
    digest = describe_archive(packed)[0].bundle
    receive_bundle(storage, packed, digest)
    assert read_record(storage, digest).notebook is None
    assert build_spec(PackagingRequest(timing=DAILY, command="./run.sh"), tmp_path, storage, digest).bundle == digest
    assert storage.fetched == 0


def test_nothing_is_kept_of_a_bundle_whose_record_cannot_be_written(tmp_path: Path, storage: CountingStorage) -> None:
    packed = tarball(tmp_path, {"run.sh": "echo 1"})
    record = describe_archive(packed)[0].model_copy(update={"key_patterns": "\ud800"})
    with pytest.raises(ValueError, match="surrogates"):
        keep_bundle(storage, packed, record)
    assert list(storage.list()) == []


@pytest.mark.parametrize(("digits", "is_kept"), [(4300, True), (4301, False), (60_000, False)])
def test_a_record_of_an_integer_however_long_can_be_read(
    digits: int, is_kept: bool, tmp_path: Path, storage: CountingStorage
) -> None:
    value = hex(10**digits - 1)
    cells = json.dumps(notebook_of("1", parameters=f"x = {value}\ny = [{value}]\nz: float = {value}"))
    document = json.dumps({"notebook": "a.ipynb", "kernel": "python3", "output_dir": "output"})
    packed = tarball(tmp_path, {"a.ipynb": cells, "schedule.json": document})
    digest = describe_archive(packed)[0].bundle
    receive_bundle(storage, packed, digest)
    notebook = read_record(storage, digest).notebook
    assert notebook is not None
    assert notebook.parameters is not None
    assert [each.default for each in notebook.parameters] == (
        [int(value, 16), [int(value, 16)], None] if is_kept else [None] * 3
    )
    assert notebook.parameters[2].type is ParameterType.NUMBER
    assert storage.fetched == 0


def test_what_is_not_what_its_name_says_is_not_kept(tmp_path: Path, storage: CountingStorage) -> None:
    with pytest.raises(Refused) as refused:
        receive_bundle(storage, tarball(tmp_path, {"run.sh": "echo 1"}), "0" * 64)
    assert refused.value.code == "wrong_digest"
    assert list(storage.list()) == []


def test_a_bundle_and_its_record_are_of_one_digest() -> None:
    assert bundle_of(bundle_key("a" * 64)) == bundle_of(bundle_record_key("a" * 64)) == "a" * 64
