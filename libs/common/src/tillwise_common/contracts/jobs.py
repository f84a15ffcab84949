"""The kinds of jobs that services ask of the worker."""

from __future__ import annotations

from typing import Any

import msgspec

from tillwise_common.jobs.kinds import Backoff, Kind, Options

_NIGHTLY = Backoff(first=60, longest=900)


class AuditStores(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Compare the rollups of every store with its facts."""


class RefitLifetimeValues(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Fit the models of lifetime value anew, of one store or of all."""

    store_id: int | None = None


AUDIT_STORES = Kind(
    name="audit_stores",
    payload=AuditStores,
    queue="maintenance",
    options=Options(attempts=2, timeout=3600.0, backoff=_NIGHTLY),
    about="Compares the rollups of every store with its facts.",
)
REFIT_LIFETIME_VALUES = Kind(
    name="refit_lifetime_value",
    payload=RefitLifetimeValues,
    queue="maintenance",
    options=Options(attempts=2, timeout=7200.0, backoff=_NIGHTLY),
    about="Fits the models of lifetime value anew, of one store or of all.",
)
KINDS: tuple[Kind[Any], ...] = (AUDIT_STORES, REFIT_LIFETIME_VALUES)
