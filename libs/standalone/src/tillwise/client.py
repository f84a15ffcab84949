"""Talks to a running platform like any client: HTTP with the admin's key."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tillwise.problems import NotRunning, Problem
from tillwise.supervisor.options import DataFolder

# Ours are on this machine: a proxy of the environment (http_proxy) could not reach them.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
MOVED = range(300, 400)


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect, which would carry the key to another address."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Client:
    """A platform's address and a key. `elsewhere`: it may be on another machine, behind a proxy of the environment."""

    def __init__(self, url: str, key: str, *, elsewhere: bool = False) -> None:
        self.url, self.key, self.elsewhere = url.rstrip("/"), key, elsewhere
        self._open = urllib.request.build_opener(_Stay()).open if elsewhere else _open

    @classmethod
    def of(cls, data_dir: Path) -> Client:
        """The admin's client of the platform that runs on `data_dir`. Raises NotRunning."""
        data = DataFolder(data_dir)
        url = data.state()["url"]
        key = data.secret("admin_key")
        if key is None:
            raise NotRunning(f"{data.path} holds no admin key: start the platform there once")
        return cls(url, key)

    def call(self, method: str, path: str, body: Any = None, *, timeout: float = 30) -> Any:
        """The JSON answer. Raises Problem with what the platform says is wrong."""
        request = urllib.request.Request(self.url + path, method=method)  # noqa: S310 - the address is our own
        request.add_header("Authorization", f"Bearer {self.key}")
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with self._open(request, data, timeout=timeout) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            if error.code in MOVED:
                raise Problem(f"{self.url} says that it is at {error.headers.get('Location')}: give that address") from None
            raise Problem(_detail(error)) from None
        except (OSError, http.client.HTTPException) as error:
            hint = "is the address right?" if self.elsewhere else "tillwise status shows more"
            raise NotRunning(f"{self.url} does not answer ({getattr(error, 'reason', error)}): {hint}") from None
        try:
            return json.loads(text) if text else None
        except ValueError:
            raise Problem(f"{self.url} gave what is no answer of a tillwise: does another program listen there?") from None

    def add_key(self, store: str, scopes: list[str], *, name: str = "", expires_in: float | None = None) -> dict[str, str]:
        """A new key of a store: `{"id", "key"}`."""
        found: dict[str, str] = self.call(
            "POST", "/api/v1/admin/keys", {"store": store, "scopes": scopes, "name": name, "expires_in": expires_in}
        )
        return found

    def revoke_key(self, key_id: str) -> None:
        self.call("DELETE", f"/api/v1/admin/keys/{quote(key_id, safe='')}")


def readiness(probe_port: int) -> tuple[bool, str]:
    """Whether the service with this probe port says that it is ready, and what it says."""
    try:
        with _open(f"http://127.0.0.1:{probe_port}/readyz", timeout=3) as answer:
            return answer.status == 200, "ready"
    except urllib.error.HTTPError as error:
        return False, error.read().decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return False, f"does not answer ({error}): its log says why"


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        problem = json.loads(error.read())
        return f"{problem['detail']} (request {problem['request_id']})"
    except (ValueError, KeyError, OSError):
        return f"the platform answered {error.code}"
