"""Exports: a report or a data set as a file, made by a job of the worker."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from tillwise_common.contracts.stores import Store

Format = Literal["csv", "xlsx", "pdf", "svg", "png"]
# The data sets, and those of them that have a time to choose from.
DATASETS = ("orders", "order_lines", "customers", "products", "stock_movements")
WITH_PERIOD = ("orders", "order_lines", "stock_movements")
# What a data set can be written as.
DATASET_FORMATS = ("csv", "xlsx")


class ExportReport(msgspec.Struct, frozen=True, tag="report"):
    """A report, with the parameters that its asker typed."""

    report: str
    params: dict[str, str] = {}


class ExportDataset(msgspec.Struct, frozen=True, tag="dataset"):
    """A data set, whole or of these days of the store (both inclusive)."""

    dataset: str
    since: date | None = None
    until: date | None = None


class Exported(msgspec.Struct, frozen=True):
    """What the job returns: the file, which has the id of the export. Moments are Unix time in seconds."""

    file_name: str
    media_type: str
    size: int
    sha256: str
    expires: int
    rows: int | None = None


class Export(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The payload of the job. `request_id` of who asked is on the job itself."""

    store: Store
    what: ExportReport | ExportDataset
    format: Format
