"""Answers of reports to render."""

from __future__ import annotations

from typing import Any

import msgspec

from tillwise_common.contracts.reports import Column, ReportAnswer, StoreSummary

COLUMNS = [
    Column("bucket", "date"), Column("at", "datetime"), Column("group", "text"), Column("value", "money", "EUR"),
    Column("yen", "money", "JPY"), Column("share", "percent"), Column("orders", "count"), Column("partial", "boolean"),
]  # fmt: skip
ROW = ["2026-03-01", "2026-03-01T13:30:00+01:00", "web", 123_456, 500, 0.25, 3, True]
LINE = {
    "title": "Sales (EUR)", "width": "container", "height": 200,
    "data": {"values": [{"day": "2026-03-01", "sales": 1234.56, "url": "a field of data"}, {"day": "2026-03-02", "sales": 7.0}]},
    "mark": "line",
    "encoding": {"x": {"field": "day", "type": "temporal"}, "y": {"field": "sales", "type": "quantitative", "title": "Sales (EUR)"}},
}  # fmt: skip


def answer(**changes: Any) -> ReportAnswer:
    """An answer with a column of each kind."""
    made = ReportAnswer(
        "trend", {"metric": "sales", "by": None, "cumulative": False}, StoreSummary(1, "Kaffee & Söhne", "EUR"), "Europe/Berlin",
        "2026-03-02T12:00:00+00:00", COLUMNS, [ROW, [None, None, "", None, None, None, None, None]],
        {"value": 123_456, "groups": [{"group": "web", "value": 123_456}]}, [LINE], ["Net: after discounts."],
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def body(**changes: Any) -> bytes:
    """The same as analytics sends it."""
    return msgspec.json.encode(answer(**changes))
