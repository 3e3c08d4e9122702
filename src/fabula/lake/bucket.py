"""The address of an object store or a folder, and what may be shown of it.

Credentials come from where the store's own tools find them: environment, profiles, the machine's
role. What an address holds of them stands in no message.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

import pyarrow as pa

from fabula.errors import FabulaError, SinkError, UsageError
from fabula.lake.azure import SCHEMES, azure_at

if TYPE_CHECKING:
    from pyarrow import fs

logger = logging.getLogger(__name__)

_ADDRESS = re.compile(
    r"([a-z0-9+]+):/+(?:([^@/?]*)@)?([^?]*)(?:\?(.*))?", re.IGNORECASE | re.DOTALL
)
_DENIED = re.compile(
    r"access.?denied|forbidden|403|invalid.?access.?key|signature|401|credential", re.I
)
_MISSING = re.compile(r"no.?such.?bucket|not.?found|404|does not exist", re.I)


@dataclass(frozen=True)
class Bucket:
    """A place in an object store, or a folder of this machine.

    Attributes:
        files: Its file system.
        root: The path there.
        shown: The address without anything secret.
        address: The address as the file system's libraries read it.
    """

    files: fs.FileSystem
    root: str
    shown: str
    address: str = field(repr=False)

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine."""
        return bool(self.files.type_name == "local")

    def names(self) -> dict[str, int]:
        """The objects below the place, with their sizes, in the order of their names."""
        from pyarrow import fs

        found = self.files.get_file_info(
            fs.FileSelector(self.root, recursive=True, allow_not_found=True)
        )
        start = len(self.root.rstrip("/")) + 1
        sizes = {item.path[start:]: item.size for item in found if item.type is fs.FileType.File}
        return dict(sorted(sizes.items()))

    def holds(self, name: str = "") -> bool:
        """Whether there is an object of that name; without one, whether the place is an object."""
        from pyarrow import fs

        path = self.path(name) if name else self.root
        return bool(self.files.get_file_info(path).type is fs.FileType.File)

    def path(self, name: str) -> str:
        """The path of an object below the place."""
        return f"{self.root.rstrip('/')}/{name}"

    def read(self, name: str) -> bytes:
        """The bytes of an object."""
        with self.files.open_input_stream(self.path(name)) as stream:
            content: bytes = stream.read()
        return content

    def upload(self, file: Path, name: str) -> None:
        """Put a file there under its final name; others see it whole or not at all.

        The whole file is handed over in one call, so that nothing of ours can fail between the
        first part and the last: a stream that is closed half-written would become an object.
        """
        final = self.path(name)
        target = f"{final}.{os.getpid()}.tmp" if self.is_local else final
        if self.is_local:
            self.files.create_dir(str(Path(final).parent), recursive=True)
        content = pa.memory_map(str(file)).read_buffer() if file.stat().st_size else b""
        try:
            with self.files.open_output_stream(target) as stream:
                stream.write(content)
            if self.is_local:
                self.files.move(target, final)
        except BaseException:
            if self.is_local:
                self.files.delete_file(target)
            elif self.files.type_name == "s3":
                _abort_uploads(self, final)
            raise

    def remove(self, names: Iterable[str]) -> None:
        """Remove objects, and folders that are empty then; one that is not there is no error."""
        from pyarrow import fs

        folders: set[str] = set()
        for name in names:
            path = self.path(name)
            with suppress(OSError):
                self.files.delete_file(path)
            folders.update(parent.as_posix() for parent in PurePosixPath(path).parents)
        for folder in sorted(folders, key=len, reverse=True) if not self.is_local else ():
            with suppress(OSError):  # Arrow leaves an object for each folder that it emptied
                found = self.files.get_file_info(fs.FileSelector(folder, recursive=True))
                if "/" in folder and not any(item.type is fs.FileType.File for item in found):
                    self.files.delete_dir(folder)

    def check_exists(self) -> None:
        """Make sure that the bucket is there: Fabula makes none.

        Raises:
            SinkError: It is not.
        """
        from pyarrow import fs

        name = self.root.partition("/")[0]
        if not self.is_local and self.files.get_file_info(name).type is fs.FileType.NotFound:
            raise SinkError(
                f"there is no bucket `{name}`",
                code="sink.store",
                where=self.shown,
                hint="make the bucket first, or check its name",
            )

    @contextmanager
    def failures(self, error: type[FabulaError]) -> Iterator[None]:
        """Raise what the store refuses as an error that names the place, without secrets."""
        try:
            yield
        except (OSError, pa.ArrowException) as exc:
            raise _failure(exc, self.shown, error, hidden(self.address)) from exc


def bucket_at(place: str, error: type[FabulaError] = SinkError) -> Bucket:
    """Open the address of an object store.

    Raises:
        UsageError: The address has another form.
        FabulaError: Of the given class: there is no such store, or it can't be reached.
    """
    from pyarrow import fs

    found = _ADDRESS.fullmatch(place)
    scheme = found[1].lower() if found else ""
    if found is None or not found[3].strip("/"):
        raise UsageError(
            f"`{scheme or 'the address'}://` names no bucket",
            code="usage.address",
            hint="write `s3://BUCKET/FOLDER`, or `file:///FOLDER` for this machine",
        )
    shown = f"{scheme}://{'/' if scheme == 'file' else ''}{found[3].strip('/')}"
    try:
        if scheme in SCHEMES:
            files, root = azure_at(found[2], found[3].strip("/"), found[4])
            return Bucket(files, root.strip("/"), shown, place)
        if scheme == "file":
            root = f"/{found[3].strip('/')}"
            return Bucket(fs.LocalFileSystem(), root, shown, f"file://{root}")
        user = f"{found[2]}@" if found[2] is not None else ""
        host, _, path = found[3].strip("/").partition("/")
        known = {"gcs": "gs"}.get(scheme, scheme)
        address = f"{known}://{user}{host}{'?' if found[4] else ''}{found[4] or ''}"
        files, root = fs.FileSystem.from_uri(address)
    except (OSError, ValueError, pa.ArrowException) as exc:
        raise _failure(exc, shown, error, hidden(place)) from exc
    return Bucket(files, f"{root.strip('/')}/{path}".rstrip("/"), shown, address)


def hidden(address: str) -> list[str]:
    """The secrets that an address holds: what is before the `@`, and what values follow a `?`."""
    found = _ADDRESS.fullmatch(address)
    user, query = (found[2], found[4]) if found else (None, None)
    secrets = [part for part in (user or "").split(":") if part]
    secrets += [item.partition("=")[2] for item in (query or "").split("&")]
    return [form for secret in secrets if len(secret) > 3 for form in (secret, unquote(secret))]


def _failure(
    exc: Exception, shown: str, error: type[FabulaError], secrets: list[str]
) -> FabulaError:
    reason = str(exc).partition("\n")[0]
    for secret in secrets:
        reason = reason.replace(secret, "***")
    side = "sink" if issubclass(error, SinkError) else "source"
    if _DENIED.search(reason):
        hint = "set the store's credentials, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    elif _MISSING.search(reason):
        hint = "check the name of the bucket; Fabula makes none"
    else:
        hint = "check the address and the network, then run the same command again"
    return error(f"`{shown}`: {reason}", code=f"{side}.store", where=shown, hint=hint)


def _abort_uploads(bucket: Bucket, path: str) -> None:
    """Abort the unfinished uploads of an object, whose parts would be billed; Arrow leaves them."""
    try:
        from boto3 import client
    except ImportError:
        logger.warning(
            "the upload of `%s` failed, and its parts may be kept there and billed: `pip install"
            " boto3` lets Fabula abort them, `aws s3api list-multipart-uploads` lists them",
            path,
        )
        return
    found = _ADDRESS.fullmatch(bucket.address)
    query = dict(parse_qsl((found and found[4]) or ""))
    options: dict[str, str] = {}
    if endpoint := query.get("endpoint_override"):
        scheme = "" if "://" in endpoint else f"{query.get('scheme', 'https')}://"
        options["endpoint_url"] = scheme + endpoint
    if region := query.get("region"):
        options["region_name"] = region
    if found and found[2] and ":" in found[2]:
        key, _, secret = map(unquote, found[2].partition(":"))
        options |= {"aws_access_key_id": key, "aws_secret_access_key": secret}
    name, _, key = path.partition("/")
    with suppress(Exception):  # it cleans up after another error, which is told
        store = client("s3", **options)
        for upload in store.list_multipart_uploads(Bucket=name, Prefix=key).get("Uploads", ()):
            if upload["Key"] == key:
                store.abort_multipart_upload(Bucket=name, Key=key, UploadId=upload["UploadId"])
