"""What an import asks of the gateway besides sending events: whose store, a key for it, is all of it counted, what are the sales."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import msgspec

from tillwise.imports.sender import AWAY
from tillwise.imports.trouble import Trouble
from tillwise.supervisor.options import DataFolder
from tillwise_common.contracts.stores import Store

# The key dies by itself when the import is killed before it can revoke it.
KEY_SECONDS = 12 * 3600


class Address(NamedTuple):
    """A gateway and a key for it: a store's, or the platform admin's."""

    url: str
    key: str


def local(data_dir: Path) -> Address:
    """The platform that runs on `data_dir`. Raises NotRunning."""
    data = DataFolder(data_dir)
    url, key = str(data.state()["url"]), data.secret("admin_key")
    if key is None:
        raise Trouble(f"{data.path} holds no admin key: start the platform there with tillwise up, or give --url and --key.")
    return Address(url, key)


class Gateway:
    """Questions to a gateway, each answered or failing with one line."""

    def __init__(self, session: aiohttp.ClientSession, address: Address) -> None:
        self._session = session
        self.url, self.key = address.url.rstrip("/"), address.key

    @asynccontextmanager
    async def of_store(self, name: str) -> AsyncIterator[tuple[Gateway, Store]]:
        """The gateway as the store's client: with the key at hand, or with one made for this import when it is the admin's."""
        status, body = await self._ask("GET", "/api/v1/store")
        if status == 200:
            store = msgspec.convert(body, Store)
            if store.name != name:
                raise Trouble(f"The key belongs to the store '{store.name}', not to '{name}'.")
            yield self, store
            return
        if status != 403 or body.get("code") != "store_key_needed":
            raise _refused("the key", status, body)
        minted = await self._must("POST", "/api/v1/admin/keys", "a key for the import", 201, json=_key_for(name))
        own = Gateway(self._session, Address(self.url, minted["key"]))
        try:
            yield own, msgspec.convert(await own._must("GET", "/api/v1/store", "the store", 200), Store)
        finally:
            await self._forget(minted["id"])

    async def pending(self) -> int:
        """How much of what was accepted is not yet counted."""
        return int((await self._must("GET", "/api/v1/ingest/status", "the state of the intake", 200))["pending"])

    async def net_sales(self, first: str, last: str) -> dict[str, int]:
        """Net sales in minor units, by month, of the days from `first` to `last`."""
        params = {"from": first, "to": last, "metric": "sales", "granularity": "month", "basis": "net"}
        report = await self._must("GET", "/api/v1/reports/trend", "the sales report", 200, params=params)
        names = [column["name"] for column in report["columns"]]
        bucket, value = names.index("bucket"), names.index("value")
        return {str(row[bucket]): int(row[value] or 0) for row in report["rows"]}

    async def _forget(self, key_id: str) -> None:
        try:
            await self._ask("DELETE", f"/api/v1/admin/keys/{key_id}")
        except Trouble:
            # The import's own outcome matters more, and the key expires.
            pass

    async def _must(self, method: str, path: str, what: str, wanted: int, **more: Any) -> Any:
        status, body = await self._ask(method, path, **more)
        if status != wanted:
            raise _refused(what, status, body)
        return body

    async def _ask(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.key}", "Accept": "application/json"}
        try:
            async with self._session.request(method, self.url + path, headers=headers, **more) as response:
                text = await response.read()
                return response.status, msgspec.json.decode(text) if text else {}
        except msgspec.DecodeError:
            raise Trouble(f"{self.url} does not answer like a Tillwise gateway.") from None
        except (*AWAY, aiohttp.InvalidURL) as error:
            raise Trouble(f"No gateway answers at {self.url} ({error or type(error).__name__}).") from None


def _key_for(store: str) -> dict[str, Any]:
    return {"store": store, "scopes": ["ingest", "read"], "name": "import", "expires_in": KEY_SECONDS}


def _refused(what: str, status: int, body: Any) -> Trouble:
    detail = body.get("detail", "no details") if isinstance(body, dict) else "no details"
    return Trouble(f"The gateway refused {what} with {status}: {detail}")
