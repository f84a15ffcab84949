"""A finished file as it is kept, and what every place for files can do."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import msgspec

_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")
PIECE = 256 * 1024


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is finished: whose it is, what it is called, and what it must be when it arrives. Moments are Unix time in seconds."""

    id: str
    store_id: int
    name: str
    media_type: str
    size: int
    sha256: str
    created: int
    expires: int

    @property
    def expired(self) -> bool:
        return self.expires <= time.time()


class NewFile(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be known of a file that is being made; the id is random, so that nobody guesses it."""

    id: str
    store_id: int
    name: str
    media_type: str
    seconds: int


class Files(Protocol):
    """A place for files. Which is which, only those who know an id and the store that it belongs to can tell."""

    def scratch(self) -> Path:
        """A folder of this machine in which a file may be made."""
        ...

    async def keep(self, made: Path, about: NewFile) -> StoredFile:
        """Take over a file that was made; whoever asks for it finds it whole or not at all."""
        ...

    async def find(self, file_id: str, store_id: int) -> StoredFile | None:
        """A store's file that has not expired."""
        ...

    def read(self, file: StoredFile, begin: int, end: int) -> AsyncIterator[bytes]:
        """Its bytes from `begin` to before `end`, piece by piece."""
        ...

    async def remove(self, file_id: str) -> None:
        """Remove a file that nobody needs any more, if it is there."""
        ...

    async def sweep(self) -> int:
        """Remove what has expired; returns how many files."""
        ...


def is_id(text: str) -> bool:
    """Whether this may be the id of a file: no path can hide in one."""
    return _ID.fullmatch(text) is not None


def described(made: Path, about: NewFile) -> StoredFile:
    """What there is to know of a file that was made. Reads all of it."""
    with made.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    now = int(time.time())
    return StoredFile(
        id=about.id, store_id=about.store_id, name=about.name, media_type=about.media_type, size=made.stat().st_size, sha256=digest,
        created=now, expires=now + about.seconds,
    )  # fmt: skip


def seen_by(file: StoredFile, store_id: int) -> StoredFile | None:
    """The file, if it is this store's and has not expired."""
    return None if file.store_id != store_id or file.expired else file


encode = msgspec.json.encode
decode = msgspec.json.Decoder(StoredFile).decode
