"""The kinds of jobs that services ask of the worker."""

from __future__ import annotations

from typing import Any

import msgspec

from tillwise_common.contracts.deliveries import Delivery
from tillwise_common.contracts.exports import Export
from tillwise_common.contracts.imports import Import
from tillwise_common.jobs.kinds import Backoff, Kind, Options

_NIGHTLY = Backoff(first=60, longest=900)


class AuditStores(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Compare the rollups of every store with its facts."""


class RefitLifetimeValues(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Fit the models of lifetime value anew, of one store or of all."""

    store_id: int | None = None


class SweepFiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Remove finished files that have expired."""


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
EXPORT = Kind(
    name="export",
    payload=Export,
    queue="exports",
    options=Options(attempts=4, timeout=6 * 3600.0, backoff=Backoff(first=5, longest=300)),
    about="Makes a file of a report or a data set.",
)
IMPORT = Kind(
    name="import",
    payload=Import,
    queue="imports",
    options=Options(attempts=5, timeout=12 * 3600.0, backoff=Backoff(first=5, longest=300)),
    about="Sends what an uploaded file of orders or stock says.",
)
SWEEP_FILES = Kind(
    name="sweep_files",
    payload=SweepFiles,
    queue="maintenance",
    options=Options(attempts=1, timeout=900.0),
    about="Removes finished files that have expired.",
)
DELIVER_REPORT = Kind(
    name="deliver_report",
    payload=Delivery,
    queue="deliveries",
    # For about a day and a half: a mail server or a shop may be away over night.
    options=Options(attempts=12, timeout=300.0, backoff=Backoff(first=30, factor=3, longest=4 * 3600.0, jitter=0.2)),
    secret=("way",),
    about="Sends a report by e-mail or to a webhook.",
)
KINDS: tuple[Kind[Any], ...] = (AUDIT_STORES, REFIT_LIFETIME_VALUES, EXPORT, IMPORT, SWEEP_FILES, DELIVER_REPORT)
