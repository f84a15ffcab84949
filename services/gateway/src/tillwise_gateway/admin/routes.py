"""Stores, keys and maintenance, for the platform's admin."""

from __future__ import annotations

import msgspec
from aiohttp import web

from tillwise_common.bus.ask import Asker, NoAnswer
from tillwise_common.contracts import maintenance
from tillwise_common.contracts.stores import Store
from tillwise_common.web.problems import Problem, json_response
from tillwise_gateway.accounts.accounts import Accounts, DuplicateStore
from tillwise_gateway.accounts.door import Door
from tillwise_gateway.accounts.principal import store_of
from tillwise_gateway.admin.bodies import read_body
from tillwise_gateway.admin.guard import require_platform_admin
from tillwise_gateway.admin.wanted import NewKey, NewStore

REBUILD_TIMEOUT = 3600.0


class Rebuild(msgspec.Struct, forbid_unknown_fields=True):
    store: str
    check: bool = False


class Admin:
    """The handlers; every one of them wants the platform's admin."""

    def __init__(self, door: Door, accounts: Accounts, asker: Asker) -> None:
        self._door, self._accounts, self._asker = door, accounts, asker

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/admin/stores", self.list_stores),
            web.post("/api/v1/admin/stores", self.add_store),
            web.get("/api/v1/admin/keys", self.list_keys),
            web.post("/api/v1/admin/keys", self.add_key),
            web.delete("/api/v1/admin/keys/{id}", self.revoke_key),
            web.post("/api/v1/admin/rebuild", self.rebuild),
            web.get("/api/v1/store", self.own_store),
        ]

    async def own_store(self, request: web.Request) -> web.Response:
        """The store that the caller's key belongs to."""
        store = store_of(await self._door.authenticate(request, "read"))
        return json_response(msgspec.to_builtins(store))

    async def list_stores(self, request: web.Request) -> web.Response:
        await require_platform_admin(self._door, request)
        return json_response({"stores": msgspec.to_builtins(await self._accounts.list_stores())})

    async def add_store(self, request: web.Request) -> web.Response:
        await require_platform_admin(self._door, request)
        wanted = await read_body(request, NewStore)
        wanted.check()
        try:
            store = await self._accounts.add_store(wanted.name, wanted.currency, wanted.timezone, wanted.week_start)
        except DuplicateStore:
            raise Problem(409, "store_exists", f"There is a store named '{wanted.name}' already.") from None
        return json_response(msgspec.to_builtins(store), status=201)

    async def list_keys(self, request: web.Request) -> web.Response:
        await require_platform_admin(self._door, request)
        return json_response({"keys": await self._accounts.list_keys()})

    async def add_key(self, request: web.Request) -> web.Response:
        await require_platform_admin(self._door, request)
        wanted = await read_body(request, NewKey)
        wanted.check()
        store = await self._store(wanted.store)
        key = await self._accounts.add_key(store, sorted(set(wanted.scopes)), wanted.name, wanted.expires_in)
        return json_response({"id": key.id, "key": str(key)}, status=201)

    async def revoke_key(self, request: web.Request) -> web.Response:
        await require_platform_admin(self._door, request)
        key_id = request.match_info["id"]
        if not await self._accounts.revoke_key(key_id):
            raise Problem(404, "not_found", "There is no such key, or it was revoked already.")
        self._door.forget(key_id)
        return web.Response(status=204)

    async def rebuild(self, request: web.Request) -> web.Response:
        """Recompute the rollups of a store from its facts, or only compare (`check`)."""
        await require_platform_admin(self._door, request)
        wanted = await read_body(request, Rebuild)
        store = await self._store(wanted.store)
        question = maintenance.encode(maintenance.Rebuild(store_id=store.id, check=wanted.check))
        try:
            data = await self._asker.ask(maintenance.TOPIC, "rebuild", question, store=str(store.id), timeout=REBUILD_TIMEOUT)
        except (NoAnswer, TimeoutError):
            raise Problem(503, "analytics_unavailable", "Analytics does not answer.", headers={"Retry-After": "5"}) from None
        done = maintenance.decode_rebuilt(data)
        return json_response({"store": store.name, "check": wanted.check, **msgspec.to_builtins(done)})

    async def _store(self, name: str) -> Store:
        store = await self._accounts.find_store(name)
        if store is None:
            raise Problem(404, "store_not_found", f"There is no store named {name[:80]!r}: tillwise store list shows them.")
        return store
