"""The landing store on object storage: Azure Blob or ADLS, S3 and what speaks like them.

Files are written and read locally, below the scratch folder, and sent or fetched whole.
What a load has just sent is still there when its gate reads it. Credentials come from the
variables that the cloud's own tools read (``AZURE_STORAGE_ACCOUNT_KEY``, ``AWS_ACCESS_KEY_ID`` …);
without any, Azure is asked with the machine's managed identity.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import AzureStore, ObjectStore, S3Store

from orchestration.failures import AuthenticationFailed, Busy, ConnectionFailed, SettingsError
from orchestration.landing.folder import FolderStore

_EXAMPLE = (
    "Example: STRATA_LANDING_URL=az://account/container/prefix, "
    "abfss://container@account.dfs.core.windows.net/prefix or s3://bucket/prefix."
)


def open_object_store(url: str, scratch: Path) -> BucketStore:
    """Return the store of an address.

    They are ``az://account/container[/prefix]``, ``abfss://container@account.dfs.core.windows.net[/prefix]``, as
    Azure Data Lake writes the same place, and ``s3://bucket[/prefix]``.

    Raises:
        SettingsError: the address is of no such form.
    """
    parts = urlsplit(url)
    folders = [part for part in parts.path.split("/") if part]
    if parts.scheme == "az" and parts.netloc and folders:
        prefix = "/".join(folders[1:]) or None
        bucket: ObjectStore = AzureStore(folders[0], prefix=prefix, account_name=parts.netloc)
    elif parts.scheme in ("abfs", "abfss") and parts.username and parts.hostname and not parts.password:
        account = parts.hostname.partition(".")[0]
        bucket = AzureStore(parts.username, prefix="/".join(folders) or None, account_name=account)
    elif parts.scheme == "s3" and parts.netloc:
        bucket = S3Store(parts.netloc, prefix="/".join(folders) or None)
    else:
        raise SettingsError(f"STRATA_LANDING_URL: {url!r} is no address of a store.", _EXAMPLE)
    return BucketStore(bucket, url, scratch)


class BucketStore:
    """Landed files as objects; ``scratch`` holds drafts and local copies, laid out by key."""

    def __init__(self, bucket: ObjectStore, url: str, scratch: Path) -> None:
        """``url`` is for messages alone."""
        self._bucket, self._url, self._scratch = bucket, url, scratch
        self._copies = FolderStore(scratch)

    def draft(self, key: str) -> Path:
        """Return a local path."""
        return self._copies.draft(key)

    def land(self, key: str) -> None:
        """Send the draft, and keep it as the local copy."""
        if self._exists(key):
            raise _taken(key)
        draft = self.draft(key)
        with self._told():
            # In pieces, so that memory stays bounded; the manifest, not this, is what commits a load.
            obstore.put(self._bucket, key, draft, use_multipart=True)
        draft.replace(self._scratch / key)

    def put(self, key: str, content: bytes) -> None:
        """Send in one request that fails when the key is taken."""
        with self._told():
            try:
                obstore.put(self._bucket, key, content, mode="create", use_multipart=False)
            except AlreadyExistsError:
                raise _taken(key) from None

    def make(self, prefix: str) -> None:
        """An object store has no empty folders."""

    def replace(self, key: str, content: bytes) -> None:
        """Send in one request that takes the old one's place."""
        with self._told():
            obstore.put(self._bucket, key, content, mode="overwrite", use_multipart=False)
        self._copies.delete(key)

    def read(self, key: str) -> bytes:
        """Fetch a small object."""
        with self._told(reading=True):
            return bytes(obstore.get(self._bucket, key).bytes())

    def local_path(self, key: str) -> Path:
        """Return the local copy, fetched unless it is there."""
        path = self._scratch / key
        if not path.exists():
            draft = self.draft(key)
            with self._told(reading=True), draft.open("wb") as file:
                for chunk in obstore.get(self._bucket, key).stream():
                    file.write(chunk)
            draft.replace(path)
        return path

    def keys(self, prefix: str) -> Iterator[str]:
        """List everything below a prefix."""
        with self._told():
            yield from sorted(str(item["path"]) for page in obstore.list(self._bucket, prefix) for item in page)

    def folders(self, prefix: str, after: str = "") -> list[str]:
        """List one level, together with what only drafts are left of."""
        with self._told():
            found = obstore.list_with_delimiter(self._bucket, prefix or None)["common_prefixes"]
        names = {folder.rstrip("/").rpartition("/")[2] for folder in found} | set(self._copies.folders(prefix, after))
        return sorted(name for name in names if name > after)

    def delete(self, key: str) -> None:
        """Delete an object; one that is gone is no error."""
        with suppress(FileNotFoundError), self._told(reading=True):
            obstore.delete(self._bucket, key)
        self._copies.delete(key)

    def clear(self, prefix: str) -> None:
        """Delete objects, drafts and copies."""
        keys = list(self.keys(prefix))
        if keys:
            with self._told():
                obstore.delete(self._bucket, keys)
        self._copies.clear(prefix)

    def release(self, prefix: str) -> None:
        """Drop local copies; drafts of other loads are not below the prefix."""
        self._copies.clear(prefix)

    def _exists(self, key: str) -> bool:
        try:
            with self._told(reading=True):
                obstore.head(self._bucket, key)
        except FileNotFoundError:
            return False
        return True

    @contextmanager
    def _told(self, *, reading: bool = False) -> Iterator[None]:
        """Turn the client's errors into ours; their texts may hold signatures, so they are not passed on."""
        try:
            yield
        except FileNotFoundError:
            if reading:
                raise FileNotFoundError(f"Landing store {self._url}: no such object.") from None
            raise SettingsError(
                f"Landing store {self._url}: the container or bucket does not exist.", _EXAMPLE
            ) from None
        except (PermissionDeniedError, UnauthenticatedError, PermissionError):
            remedy = "Set the cloud's own variables, such as AZURE_STORAGE_ACCOUNT_KEY or AWS_ACCESS_KEY_ID."
            raise AuthenticationFailed(f"Landing store {self._url}: access was refused.", remedy) from None
        except BaseError as error:
            kind = type(error).__name__
            raise ConnectionFailed(f"Landing store {self._url}: no usable answer ({kind}).", "Try again.") from None


def _taken(key: str) -> Busy:
    return Busy(f"Landing: {key} exists already.", "Another load wrote it; landed files are immutable.")
