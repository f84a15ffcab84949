"""Stores, keys and people in PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import argon2
import asyncpg
import msgspec

from tillwise_common.contracts.stores import Store
from tillwise_common.postgres.pool import Postgres, Unreachable
from tillwise_common.postgres.sql import load
from tillwise_common.web.problems import Problem
from tillwise_gateway.accounts import tokens
from tillwise_gateway.accounts.principal import Principal
from tillwise_gateway.accounts.tokens import ApiKey

SQL = load("tillwise_gateway.accounts", "accounts.sql")
_passwords = argon2.PasswordHasher()


class DatabaseAway(Problem):
    """The answer while the database is away."""

    def __init__(self) -> None:
        super().__init__(503, "database_unavailable", "The database is away. Try again shortly.", headers={"Retry-After": "2"})


class DuplicateStore(Exception):
    """A store of this name exists."""


class Known(msgspec.Struct, frozen=True):
    """A credential that was found: who it is, the hash of its secret and when it ends by itself."""

    principal: Principal
    secret_hash: bytes
    expires_at: datetime | None


class Accounts:
    """What the gateway knows about who may come in."""

    def __init__(self, postgres: Postgres, session_hours: int) -> None:
        self._postgres = postgres
        self._session_hours = session_hours

    async def find_key(self, key_id: str) -> Known | None:
        row = await self._row(SQL.find_key, key_id)
        return None if row is None else Known(_principal(row), row["secret_hash"], row["expires_at"])

    async def find_session(self, token: str) -> Known | None:
        token_hash = tokens.digest(token)
        row = await self._row(SQL.find_session, token_hash)
        return None if row is None else Known(_principal(row), token_hash, row["expires_at"])

    async def login(self, email: str, password: str) -> str | None:
        """A new session token when the password is right."""
        user = await self._row(SQL.find_user, email)
        # A hash is verified for strangers too: the answer takes as long as for somebody we know. In a thread,
        # because it is made to take long.
        right = await asyncio.to_thread(_verifies, user["password_hash"] if user else _STRANGER, password)
        return await self._begin_session(user["id"], None) if user and right else None

    async def login_with_key(self, text: str) -> str | None:
        """A new session token when the key is valid."""
        key = tokens.parse_key(text)
        known = await self.find_key(key.id) if key else None
        if key is None or known is None or known.secret_hash != tokens.digest(key.secret):
            return None
        return await self._begin_session(None, key.id)

    async def logout(self, token: str) -> None:
        await self._row(SQL.end_session, tokens.digest(token))

    async def find_store(self, name: str) -> Store | None:
        row = await self._row(SQL.find_store, name)
        return None if row is None else Store(**row)

    async def list_stores(self) -> list[Store]:
        return [Store(**row) for row in await self._rows(SQL.list_stores)]

    async def store_for(self, principal: Principal, name: str | None) -> Store:
        """The store that a principal asks about: a key's own, or for the platform's admin the one named (else the first).

        Raises Problem 404 when there is none; a key never sees another store.
        """
        if principal.store is not None:
            if name not in (None, principal.store.name):
                raise Problem(404, "store_not_found", "There is no such store.")
            return principal.store
        if not principal.is_platform_admin:
            raise Problem(403, "missing_scope", "This login may see no store.")
        found = await self.find_store(name) if name else next(iter(await self.list_stores()), None)
        if found is None:
            raise Problem(404, "store_not_found", "There is no such store: tillwise store create makes one.")
        return found

    async def add_store(self, name: str, currency: str, timezone: str, week_start: Any) -> Store:
        """Create a store. Raises DuplicateStore."""
        try:
            row = await self._row(SQL.add_store, name, currency, timezone, week_start)
        except asyncpg.UniqueViolationError:
            raise DuplicateStore(name) from None
        assert row is not None
        return Store(id=row["id"], name=name, currency=currency, timezone=timezone, week_start=week_start)

    async def add_key(self, store: Store, scopes: list[str], name: str, expires_in: float | None) -> ApiKey:
        """Create a key; this is the only time that its secret is seen."""
        key = tokens.new_key()
        await self._row(SQL.add_key, key.id, store.id, tokens.digest(key.secret), scopes, name, expires_in)
        return key

    async def list_keys(self) -> list[dict[str, Any]]:
        return [dict(row) for row in await self._rows(SQL.list_keys)]

    async def revoke_key(self, key_id: str) -> bool:
        return await self._row(SQL.revoke_key, key_id) is not None

    async def put_admin(self, email: str, password: str, key: ApiKey) -> None:
        """Make sure that the platform's admin can get in with this password and this key."""
        async with self._postgres.acquire() as connection, connection.transaction():
            user = await connection.fetchrow(SQL.find_user, email)
            if user is None or not _verifies(user["password_hash"], password):
                await connection.execute(SQL.put_admin, email, _passwords.hash(password))
            await connection.execute(SQL.put_admin_key, key.id, tokens.digest(key.secret))

    async def _begin_session(self, user_id: int | None, key_id: str | None) -> str:
        token = tokens.new_session()
        await self._row(SQL.add_session, tokens.digest(token), user_id, key_id, self._session_hours)
        return token

    async def _row(self, sql: str, *values: Any) -> Mapping[str, Any] | None:
        try:
            async with self._postgres.acquire() as connection:
                row: Mapping[str, Any] | None = await connection.fetchrow(sql, *values)
                return row
        except Unreachable:
            raise DatabaseAway from None

    async def _rows(self, sql: str) -> list[Mapping[str, Any]]:
        try:
            async with self._postgres.acquire() as connection:
                return list(await connection.fetch(sql))
        except Unreachable:
            raise DatabaseAway from None


_STRANGER = _passwords.hash("nobody has this password")


def _verifies(password_hash: str, password: str) -> bool:
    try:
        return bool(_passwords.verify(password_hash, password))
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def _principal(row: Mapping[str, Any]) -> Principal:
    store = None
    if row["store_id"] is not None:
        store = Store(
            id=row["store_id"], name=row["name"], currency=row["currency"], timezone=row["timezone"], week_start=row["week_start"]
        )
    return Principal(store, frozenset(row["scopes"]), row["id"])
