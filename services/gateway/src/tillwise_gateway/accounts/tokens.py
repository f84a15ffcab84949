"""API keys and session tokens: making, reading and hashing them.

Their secrets are 256 random bits, which no dictionary holds, so one round of SHA-256 is enough; passwords,
which people choose, get argon2.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import NamedTuple

PREFIX = "tw"


class ApiKey(NamedTuple):
    """A key as its owner holds it: `tw_<id>_<secret>`."""

    id: str
    secret: str

    def __str__(self) -> str:
        return f"{PREFIX}_{self.id}_{self.secret}"


def new_key() -> ApiKey:
    """A fresh key."""
    return ApiKey(secrets.token_hex(6), secrets.token_urlsafe(32))


def parse_key(text: str) -> ApiKey | None:
    """The parts of a key, or None when `text` is none."""
    parts = text.split("_", 2)
    if len(parts) != 3 or parts[0] != PREFIX or not (parts[1] and parts[2]) or len(text) > 200:
        return None
    return ApiKey(parts[1], parts[2])


def new_session() -> str:
    """A fresh session token."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """What is stored of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
