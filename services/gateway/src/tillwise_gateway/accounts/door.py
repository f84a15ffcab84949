"""Authentication of requests, from memory: a request with a known key costs one hash and no SQL.

What was found is believed for ten seconds; while the database is away it is believed for five minutes, so that
events go on being accepted.
"""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web
from aiohttp.hdrs import AUTHORIZATION

from tillwise_common.web.problems import Problem
from tillwise_gateway.accounts import tokens
from tillwise_gateway.accounts.accounts import Accounts, DatabaseAway, Known
from tillwise_gateway.accounts.principal import Principal

COOKIE = "tillwise_session"
BELIEVED_SECONDS = 10.0
BELIEVED_WITHOUT_DATABASE_SECONDS = 300.0
REMEMBERED = 10_000
CHALLENGE = {"WWW-Authenticate": "Bearer"}
UNKNOWN = "This key is not valid here: it may be mistyped, revoked or expired."


class Seen(msgspec.Struct):
    """A credential that was found: when the database last said so, and until when nobody asks again."""

    known: Known
    confirmed_at: float
    believed_until: float


class Door:
    """Finds out who is asking."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        # By digest, so that no secret is kept in memory.
        self._seen: OrderedDict[bytes, Seen] = OrderedDict()

    async def authenticate(self, request: web.Request, scope: str) -> Principal:
        """Who is asking, with a Bearer key or a session cookie. Raises Problem 401, 403 or 503."""
        principal = await self.recognise(request)
        if principal is None:
            raise Problem(
                401,
                "not_authenticated",
                "Send 'Authorization: Bearer <key>'; make a key with: tillwise key create --store NAME --scope ingest,read",
                headers=CHALLENGE,
            )
        principal.require(scope)
        return principal

    def known(self, request: web.Request, scope: str) -> Principal | None:
        """Whose key it is when nobody needs to be asked: the way of nearly all requests, without a turn of the loop."""
        header = request.headers.get(AUTHORIZATION)
        seen = self._seen.get(tokens.digest(header)) if header is not None else None
        if seen is None or time.monotonic() >= seen.believed_until or scope not in seen.known.principal.scopes:
            return None
        return seen.known.principal

    async def recognise(self, request: web.Request) -> Principal | None:
        """Who is asking, or None when they did not say. Raises Problem 401 for a wrong key, 503 without database."""
        header = request.headers.get(AUTHORIZATION)
        if header is not None:
            return await self._by_key(header)
        token = request.cookies.get(COOKIE)
        return await self._by_session(token) if token else None

    def forget(self, principal_id: str) -> None:
        """Stop believing a key that was revoked."""
        for digest in [d for d, seen in self._seen.items() if seen.known.principal.key_id == principal_id]:
            del self._seen[digest]

    def forget_session(self, token: str) -> None:
        """Stop believing a session that was ended."""
        self._seen.pop(tokens.digest("session:" + token), None)

    async def _by_key(self, header: str) -> Principal:
        digest = tokens.digest(header)
        seen = self._seen.get(digest)
        if seen is not None and time.monotonic() < seen.believed_until:
            return seen.known.principal
        scheme, _, text = header.partition(" ")
        key = tokens.parse_key(text.strip()) if scheme.lower() == "bearer" else None
        if key is None:
            raise Problem(401, "bad_credentials", "Authorization must be 'Bearer tw_…'.", headers=CHALLENGE)
        known = await self._look_up(digest, lambda: self._accounts.find_key(key.id))
        if known is None or not hmac.compare_digest(known.secret_hash, tokens.digest(key.secret)):
            self._seen.pop(digest, None)
            raise Problem(401, "unknown_key", UNKNOWN, headers=CHALLENGE)
        return known.principal

    async def _by_session(self, token: str) -> Principal | None:
        digest = tokens.digest("session:" + token)
        seen = self._seen.get(digest)
        if seen is not None and time.monotonic() < seen.believed_until:
            return seen.known.principal
        known = await self._look_up(digest, lambda: self._accounts.find_session(token))
        return None if known is None else known.principal

    async def _look_up(self, digest: bytes, find: Callable[[], Awaitable[Known | None]]) -> Known | None:
        now = time.monotonic()
        try:
            known = await find()
        except DatabaseAway:
            seen = self._seen.get(digest)
            if seen is None or now - seen.confirmed_at > BELIEVED_WITHOUT_DATABASE_SECONDS:
                raise
            seen.believed_until = now + 1.0
            return seen.known
        if known is None:
            self._seen.pop(digest, None)
        else:
            self._seen[digest] = Seen(known, now, now + BELIEVED_SECONDS)
            self._seen.move_to_end(digest)
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
        return known
