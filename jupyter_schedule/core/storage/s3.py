"""Objects in a bucket of S3, or of a server that speaks as S3 does.

S3 keeps the contract by itself: a put is seen whole or not at all, a condition decides among writers.  What is added:

- *Who wrote it.*  An answer can be lost and the request sent again, which then meets what it had written itself.  So a
  conditional put carries a name of its own; who is refused looks whether that name is there already.
- *Digest and ETag.*  The contract compares contents by sha256, S3 by ETags, which are no digests.  One read gives both,
  of the same object: the digest decides, and the ETag holds the decision until the write.
- *Proof of a copy.*  A copy with a digest is made of exactly the object that was looked at (its ETag is a condition),
  and has the sha256 that S3 computed of the whole; where S3 has none, as of files uploaded in parts, the copy is read.
"""

import base64
import errno
import hashlib
import io
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Any, TypeVar
from uuid import uuid4

from jupyter_schedule.core.storage import s3_clients
from jupyter_schedule.core.storage.addresses import S3Address
from jupyter_schedule.core.storage.base import (
    NoSuchObject,
    ObjectChanged,
    ObjectExists,
    ObjectStorage,
    StorageAway,
    StoredObject,
    check_key,
    digest,
)
from jupyter_schedule.core.storage.content_types import LOOKED_AT_BYTES, describe_content, needs_look
from jupyter_schedule.core.storage.s3_errors import EXPIRED, Conflict, PreconditionFailed, code_of, translated

MEBI = 1 << 20
#: larger files go in parts: of this size, and in so many at a time, by boto3 and by obstore, which holds more of each
PART = 8 * MEBI
PARTS_AT_A_TIME = 4
MOVED_AT_A_TIME = 2
MOST_PARTS = 10_000
#: bytes that S3 copies in one request, and in one part of a copy
LARGEST_COPY = 5 << 30
COPIED_PART = 512 * MEBI
#: bytes of a key, the prefix included
LONGEST_KEY = 1024
#: tries at what somebody else keeps doing too, and at a body that breaks off
TRIES = 6
#: browsers and proxies ask each time whether there is a newer one, which costs no transfer when there isn't
_ALWAYS_ASK = "no-cache"
_WRITER = "writer"
#: of an answer about a bucket
_REGION_HEADER = "x-amz-bucket-region"
Item = TypeVar("Item")
Answer = TypeVar("Answer")
_Parts = list[dict[str, Any]]


class S3Storage(ObjectStorage):
    """Objects under one prefix of one bucket."""

    at_a_time = s3_clients.PARALLEL

    def __init__(self, address: S3Address) -> None:
        self.address = address

    def put(self, key: str, data: bytes) -> None:
        self._ask("put_object", key, Body=data, **_described(key, data))

    def put_once(self, key: str, data: bytes) -> None:
        if not self._put_when(key, data, IfNoneMatch="*"):
            raise ObjectExists(key)

    def put_if(self, key: str, data: bytes, expected: str | None) -> None:
        condition = {"IfNoneMatch": "*"}
        if expected is not None:
            try:
                content, etag = self._read(key)
            except NoSuchObject:
                raise ObjectChanged(key) from None
            if digest(content) != expected:
                raise ObjectChanged(key)
            condition = {"IfMatch": etag}
        if not self._put_when(key, data, **condition):
            raise ObjectChanged(key)

    def put_file(self, key: str, source: Path, *, consume: bool = False) -> None:
        before = source.stat()
        if not self._moved(lambda mover: _send(mover, self._key(key), key, source, before.st_size)):
            self._upload(key, source, before.st_size)
        after = source.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise ObjectChanged(f"{source.name} changed while it was uploaded")
        if consume:
            source.unlink()

    def get(self, key: str) -> bytes:
        return self._read(key)[0]

    def open(self, key: str) -> IO[bytes]:
        body = self._ask("get_object", key)["Body"]
        return io.BufferedReader(_Body(body, self.address, key), MEBI)

    def fetch(self, key: str, destination: Path) -> None:
        if self._moved(lambda mover: _receive(mover, self._key(key), destination)):
            return
        from boto3.s3.transfer import TransferConfig  # noqa: PLC0415  (core loads no cloud SDK unless S3 is used)

        def download(client: Any) -> None:
            with destination.open("wb") as file:
                config = TransferConfig(multipart_chunksize=PART, max_concurrency=PARTS_AT_A_TIME)
                client.download_fileobj(self.address.bucket, self._key(key), file, Config=config)

        try:
            self._try(download, key, "s3:GetObject")
        except NoSuchObject:
            destination.unlink(missing_ok=True)
            raise

    def size(self, key: str) -> int | None:
        head = self._head(key)
        return None if head is None else int(head["ContentLength"])

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        whole = self.address.prefix + prefix

        def pages(client: Any) -> list[StoredObject]:
            found = client.get_paginator("list_objects_v2").paginate(Bucket=self.address.bucket, Prefix=whole)
            return [
                StoredObject(content["Key"].removeprefix(self.address.prefix), content["Size"], content["LastModified"])
                for page in found
                for content in page.get("Contents", ())
                # others write here too: a console makes `folder/`, and a name such as `../x` mustn't go to any disk
                if _is_key(content["Key"].removeprefix(self.address.prefix))
            ]

        yield from sorted(self._try(pages, prefix, "s3:ListBucket"), key=lambda stored: stored.key)

    def copy_from(self, other: ObjectStorage, source: str, key: str, sha256: str | None = None) -> None:
        if not isinstance(other, S3Storage) or other.address.endpoint != self.address.endpoint:
            super().copy_from(other, source, key, sha256)
            return
        head = other._head(source)
        if head is None:
            raise NoSuchObject(source)
        told = _whole_digest(head)
        if sha256 is not None and told is not None and told != sha256:
            raise ObjectChanged(source)
        try:
            copied = self._copy(other, source, key, head)
        except PreconditionFailed:
            raise ObjectChanged(source) from None
        if sha256 is None or (told or _whole_digest(copied) or self._read_digest(key)) == sha256:
            return
        self.delete(key)
        raise ObjectChanged(source)

    def delete(self, key: str) -> None:
        with suppress(NoSuchObject):
            self._ask("delete_object", key)

    def read_start(self, key: str) -> bytes:
        size = self.size(key)
        if size is None:
            raise NoSuchObject(key)
        return self._read_start(key, size)

    def url(self, key: str) -> str:
        return self.address.url(key)

    def link(self, key: str, seconds: int) -> str | None:
        asked = {"Bucket": self.address.bucket, "Key": self._key(key)}

        def sign(client: Any) -> str:
            return str(client.generate_presigned_url("get_object", Params=asked, ExpiresIn=seconds))

        return self._try(sign, key, "s3:GetObject")

    def region(self) -> str:
        """Return the region that the bucket is in, which the settings may have wrong: boto3 goes there all the same."""

        def locate(client: Any) -> str:
            from botocore.exceptions import ClientError  # noqa: PLC0415  (core loads no cloud SDK unless S3 is used)

            try:
                answer = client.head_bucket(Bucket=self.address.bucket)
            except ClientError as refusal:
                # S3 tells it also to who may not list the bucket
                answer = refusal.response
                if _REGION_HEADER not in answer["ResponseMetadata"].get("HTTPHeaders", {}):
                    raise
            told = answer["ResponseMetadata"]["HTTPHeaders"].get(_REGION_HEADER)
            return str(told or client.meta.region_name)

        return self._try(locate, "", "s3:ListBucket")

    def sweep(self, before: datetime) -> int:
        def left(client: Any) -> list[dict[str, Any]]:
            found = client.get_paginator("list_multipart_uploads")
            pages = found.paginate(Bucket=self.address.bucket, Prefix=self.address.prefix)
            return [upload for page in pages for upload in page.get("Uploads", ()) if upload["Initiated"] < before]

        uploads = self._try(left, "", "s3:ListBucketMultipartUploads")
        for upload in uploads:
            with suppress(NoSuchObject):
                key = upload["Key"].removeprefix(self.address.prefix)
                self._ask("abort_multipart_upload", key, UploadId=upload["UploadId"])
        return len(uploads)

    def for_each(self, items: Iterable[Item], action: Callable[[Item], object]) -> None:
        do_side_by_side(items, action, self.at_a_time)

    # -- asking

    def _key(self, key: str) -> str:
        whole = self.address.prefix + check_key(key)
        if len(whole.encode()) > LONGEST_KEY:
            sentence = f"The name is longer than the {LONGEST_KEY:,} bytes that S3 allows, folders included."
            raise OSError(errno.ENAMETOOLONG, sentence)
        return whole

    def _ask(self, operation: str, key: str, **parameters: Any) -> Any:
        words = "".join(word.capitalize() for word in operation.split("_"))
        asked = {"Bucket": self.address.bucket, "Key": self._key(key), **parameters}
        return self._try(lambda client: getattr(client, operation)(**asked), key, f"s3:{words}")

    def _try(self, ask: Callable[[Any], Answer], key: str, action: str) -> Answer:
        """Ask boto3; once more with new credentials when those it has are over."""
        with translated(self.address, key, action):
            try:
                return ask(s3_clients.client(self.address))
            except Exception as problem:
                if code_of(getattr(problem, "response", None) or {}) not in EXPIRED:
                    raise
            s3_clients.forget()
            return ask(s3_clients.client(self.address))

    def _moved(self, move: Callable[[Any], None]) -> bool:
        """True when obstore did it.  It says little of what goes wrong, so boto3 tries again and says it."""
        mover = s3_clients.mover(self.address)
        if mover is None:
            return False
        try:
            move(mover)
        except _others_faults():
            return False
        return True

    def _head(self, key: str) -> dict[str, Any] | None:
        try:
            head: dict[str, Any] = self._ask("head_object", key, ChecksumMode="ENABLED")
        except NoSuchObject:
            return None
        return head

    def _read(self, key: str) -> tuple[bytes, str]:
        """Content and ETag of one object.  Raises NoSuchObject."""
        for tried in range(TRIES):
            found = self._ask("get_object", key)
            try:
                with translated(self.address, key):
                    return found["Body"].read(), found["ETag"]
            except StorageAway:
                _pause(tried)
        raise StorageAway(f"{key} breaks off each time it is read: it is tried again.")

    def _read_start(self, key: str, size: int) -> bytes:
        if size == 0:  # of which S3 has no range
            return b""
        body = self._ask("get_object", key, Range=f"bytes=0-{LOOKED_AT_BYTES - 1}")["Body"]
        with io.BufferedReader(_Body(body, self.address, key)) as stream:
            return stream.read(LOOKED_AT_BYTES)

    def _read_digest(self, key: str) -> str:
        with self.open(key) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]

    def _put_when(self, key: str, data: bytes, **condition: str) -> bool:
        """The put was the one that its condition let through."""
        writer, told = uuid4().hex, _described(key, data)
        for tried in range(TRIES):
            try:
                self._ask("put_object", key, Body=data, Metadata={_WRITER: writer}, **told, **condition)
            except (PreconditionFailed, NoSuchObject):
                head = self._head(key)
                return head is not None and head.get("Metadata", {}).get(_WRITER) == writer
            except Conflict:
                _pause(tried)
            else:
                return True
        raise StorageAway(f"Others keep writing {key}: it is tried again.")

    def _upload(self, key: str, source: Path, size: int) -> None:
        """By boto3, which sends parts again one by one, and removes them all when it gives up."""
        from s3transfer.manager import TransferConfig, TransferManager  # noqa: PLC0415  (only where S3 is used)

        part, told = part_size(size), _described(key, _start_of(key, source))
        config = TransferConfig(
            multipart_threshold=part + 1, multipart_chunksize=part, max_request_concurrency=PARTS_AT_A_TIME
        )
        place = self._key(key)

        def send(client: Any) -> None:
            if size <= part:
                data = source.read_bytes()
                client.put_object(Bucket=self.address.bucket, Key=place, Body=data, **told)
                return
            with TransferManager(client, config) as manager:
                # of a file with a name, parts are read as they are sent
                manager.upload(str(source), self.address.bucket, place, extra_args=told).result()

        with s3_clients.transfer_memory.take(min(size, PARTS_AT_A_TIME * part)):
            self._try(send, key, "s3:PutObject")

    def _copy(self, other: "S3Storage", source: str, key: str, head: dict[str, Any]) -> dict[str, Any]:
        """The answer to the copy of exactly that object."""
        found = {"Bucket": other.address.bucket, "Key": other._key(source)}
        exactly = {"CopySource": found, "CopySourceIfMatch": head["ETag"]}
        told = _described(key, other._read_start(source, head["ContentLength"]) if needs_look(key) else None)
        if head["ContentLength"] <= LARGEST_COPY:
            asked = self._ask("copy_object", key, MetadataDirective="REPLACE", **exactly, **told)
            return dict(asked["CopyObjectResult"])
        upload = self._ask("create_multipart_upload", key, **told)["UploadId"]
        try:
            parts = self._copied_parts(key, upload, head["ContentLength"], exactly)
            self._ask("complete_multipart_upload", key, UploadId=upload, MultipartUpload={"Parts": parts})
        except BaseException:
            with suppress(OSError, NoSuchObject):
                self._ask("abort_multipart_upload", key, UploadId=upload)
            raise
        return {}

    def _copied_parts(self, key: str, upload: str, size: int, exactly: dict[str, Any]) -> _Parts:
        parts: dict[int, dict[str, Any]] = {}

        def copy(part: tuple[int, int, int]) -> None:
            number, first, last = part
            span = f"bytes={first}-{last}"
            answered = self._ask(
                "upload_part_copy", key, UploadId=upload, PartNumber=number, CopySourceRange=span, **exactly
            )["CopyPartResult"]
            sums = {name: value for name, value in answered.items() if name.startswith("Checksum")}
            parts[number] = {"PartNumber": number, "ETag": answered["ETag"], **sums}

        self.for_each(spans(size, COPIED_PART), copy)
        return [parts[number] for number in sorted(parts)]


def part_size(size: int) -> int:
    """Bytes of a part, so that no upload has more than 10,000: 8 MiB, of files above 78 GiB whole MiB."""
    needed = -(-size // MOST_PARTS)
    return max(PART, -(-needed // MEBI) * MEBI)


def spans(size: int, part: int) -> list[tuple[int, int, int]]:
    """Number, first and last byte of each part, counted from 1 and from 0."""
    return [(number, first, min(first + part, size) - 1) for number, first in enumerate(range(0, size, part), start=1)]


def _is_key(name: str) -> bool:
    try:
        check_key(name)
    except ValueError:
        return False
    return True


class _Body(io.RawIOBase):
    """The body of an answer, whose ends too early are ours to say."""

    def __init__(self, body: Any, address: S3Address, key: str) -> None:
        self._body, self._address, self._of = body, address, key

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with translated(self._address, self._of):
            data = self._body.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._body.close()
        super().close()


def _described(key: str, start: bytes | None = None) -> dict[str, Any]:
    """The headers that readers of an object are told, and that S3 checks: the sha256 of what arrives.

    start: its first bytes; None where its name is believed.
    """
    content = describe_content(key, start)
    packed = {"ContentEncoding": content.encoding} if content.encoding else {}
    return {"ContentType": content.type, "CacheControl": _ALWAYS_ASK, "ChecksumAlgorithm": "SHA256", **packed}


def _start_of(key: str, source: Path) -> bytes | None:
    """The first bytes of what will be stored under that key, if they matter."""
    if not needs_look(key):
        return None
    with source.open("rb") as file:
        return file.read(LOOKED_AT_BYTES)


def _send(mover: Any, place: str, key: str, source: Path, size: int) -> None:
    import obstore  # noqa: PLC0415  (optional, and not on workers)

    content = describe_content(key, _start_of(key, source))
    packed = {"Content-Encoding": content.encoding} if content.encoding else {}
    told = {"Content-Type": content.type, "Cache-Control": _ALWAYS_ASK, **packed}
    part = part_size(size)
    at_a_time = max(1, MOVED_AT_A_TIME * PART // part)
    with s3_clients.transfer_memory.take(min(size, part * at_a_time)):
        obstore.put(mover, place, source, attributes=told, chunk_size=part, max_concurrency=at_a_time)


def _receive(mover: Any, place: str, destination: Path) -> None:
    import obstore  # noqa: PLC0415  (optional, and not on workers)

    found = obstore.get(mover, place)
    with destination.open("wb") as file:
        for piece in found.stream(min_chunk_size=MEBI):
            file.write(piece)
    if destination.stat().st_size != found.meta["size"]:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def _others_faults() -> tuple[type[Exception], ...]:
    """The exceptions of obstore: its own, a missing file's, and ValueError for names that it can't say."""
    from obstore.exceptions import BaseError  # noqa: PLC0415  (optional, and not on workers)

    return (BaseError, OSError, ValueError)


def _whole_digest(said: dict[str, Any]) -> str | None:
    """The hex sha256 that S3 computed of the whole object, None when it has none, or one of parts (`…-3`)."""
    told = said.get("ChecksumSHA256", "")
    # servers that don't say what it is of show by the ETag whether there were parts
    whole = said.get("ChecksumType") == "FULL_OBJECT" or "-" not in told + said.get("ETag", "-")
    return base64.b64decode(told).hex() if told and whole else None


def _pause(tried: int) -> None:
    """Full jitter: anything up to a time that doubles, so that those who met don't meet again."""
    time.sleep(random.uniform(0, 0.05 * 2**tried))  # noqa: S311  (nothing secret)


def do_side_by_side(items: Iterable[Item], action: Callable[[Item], object], at_a_time: int) -> None:
    """Do `action` with every item in threads; raise the first failure when all that had begun has ended.

    Items are taken in the caller's thread, as they are needed, and none after a failure.
    """
    going: set[Future[object]] = set()
    with ThreadPoolExecutor(at_a_time, thread_name_prefix="objects") as pool:
        try:
            for item in items:
                going.add(pool.submit(action, item))
                # enough to keep all busy
                if len(going) == 2 * at_a_time:
                    going = _settled(going)
            while going:
                going = _settled(going)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _settled(going: set[Future[object]]) -> set[Future[object]]:
    """The futures that still go on when one at least has ended.  Raises what failed."""
    ended, rest = wait(going, return_when=FIRST_COMPLETED)
    for each in ended:
        each.result()
    return rest
