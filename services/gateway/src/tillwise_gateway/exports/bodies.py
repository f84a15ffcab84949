"""The body of `POST /api/v1/exports`, checked before a job is made of it."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from tillwise_common.contracts.exports import DATASET_FORMATS, DATASETS, WITH_PERIOD, ExportDataset, ExportReport
from tillwise_common.render.forms import FORMS
from tillwise_common.web.problems import Problem


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """What a client sends: a report or a data set, its parameters, and the form of the file."""

    format: str
    report: str | None = None
    dataset: str | None = None
    params: dict[str, str | int | float | bool | None] = {}
    store: str | None = None


def read(body: bytes) -> Wanted:
    """Raises Problem 400 or 422."""
    try:
        wanted = msgspec.json.decode(body, type=Wanted)
    except msgspec.ValidationError as error:
        raise _refused("body", str(error)) from None
    except msgspec.DecodeError as error:
        raise Problem(400, "malformed_json", f"The body is not JSON: {error}.") from None
    if (wanted.report is None) == (wanted.dataset is None):
        raise _refused("report", "name either a report or a dataset")
    return wanted


def report(wanted: Wanted, name: str, known: list[str]) -> ExportReport:
    """A report of the catalogue. Raises Problem 422."""
    _one_of("report", name, known)
    _one_of("format", wanted.format, list(FORMS))
    params = {key: _text(value) for key, value in wanted.params.items() if value is not None}
    for key, text in params.items():
        if "\0" in key + text:
            raise _refused(key[:80], "holds a zero character")
    return ExportReport(name, params)


def dataset(wanted: Wanted, name: str) -> ExportDataset:
    """A data set. Raises Problem 422."""
    _one_of("dataset", name, list(DATASETS))
    _one_of("format", wanted.format, list(DATASET_FORMATS))
    known = ("from", "to") if name in WITH_PERIOD else ()
    for key in wanted.params:
        if key not in known:
            detail = "is no parameter of this data set; it has " + (" and ".join(known) or "none")
            raise _refused(f"params.{key[:80]}", detail)
    since, until = (_day(key, wanted.params.get(key)) for key in ("from", "to"))
    if since and until and since > until:
        raise _refused("params.from", "is after `to`")
    return ExportDataset(name, since, until)


def _one_of(parameter: str, value: str, allowed: list[str]) -> None:
    if value not in allowed:
        raise _refused(parameter, f"must be one of {', '.join(allowed)}", allowed=allowed)


def _day(name: str, value: Any) -> date | None:
    if value in (None, ""):
        return None
    try:
        day = msgspec.convert(value, date)
    except msgspec.ValidationError:
        raise _refused(f"params.{name}", "must be a date such as 2026-01-31") from None
    # Beyond, PostgreSQL's arithmetic ends before ours does.
    if not 1900 <= day.year <= 9998:
        raise _refused(f"params.{name}", "must be a date from 1900-01-01 to 9998-12-31")
    return day


def _text(value: str | int | float | bool | None) -> str:
    """As it would stand in a query."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _refused(parameter: str, detail: str, **more: Any) -> Problem:
    errors = [{"parameter": parameter, "detail": detail, **more}]
    return Problem(422, "invalid_export", f"{parameter}: {detail}", errors=errors)
