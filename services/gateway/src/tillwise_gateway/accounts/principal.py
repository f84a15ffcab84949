"""Who is asking, and what they may do."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from tillwise_common.contracts.stores import Store
from tillwise_common.web.problems import Problem

Scope = Literal["ingest", "read", "export", "admin"]
SCOPES: tuple[str, ...] = get_args(Scope)


class Principal(msgspec.Struct, frozen=True):
    """The holder of a key or session. Without a store it is the platform's admin, who may do everything."""

    store: Store | None
    scopes: frozenset[str]
    key_id: str

    @property
    def is_platform_admin(self) -> bool:
        return self.store is None and "admin" in self.scopes

    def require(self, scope: str) -> None:
        """Raise Problem 403 unless `scope` was granted."""
        if scope not in self.scopes and not self.is_platform_admin:
            raise Problem(403, "missing_scope", f"This key lacks the scope '{scope}'.")


def store_of(principal: Principal) -> Store:
    """The store that the credential belongs to. Raises Problem 403 for the platform's admin, who has none."""
    if principal.store is None:
        raise Problem(403, "store_key_needed", "Use a key of a store: tillwise key create --store NAME --scope ingest,read")
    return principal.store
