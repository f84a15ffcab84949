"""What is dated ahead of now counts when its time has come, in every report that tells stock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tillwise_common.contracts import reports
from tillwise_common.contracts.reports import Answer

from .stock_events import counted, moved, receipt, sale

NOW = datetime(2026, 3, 31, 10, tzinfo=UTC)
HISTORY = [
    receipt(10, "2026-02-01T10:00:00Z", 100),
    receipt(6, "2026-03-05T10:00:00Z", 120),
    moved(-4, "transfer", "2026-03-06T10:00:00Z"),
    moved(3, "transfer", "2026-03-07T10:00:00Z", "shop"),
    sale(5, "2026-03-20T10:00:00Z"),
    # This morning, to the instant of the question.
    sale(1, "2026-03-31T10:00:00Z", "shop"),
]
AHEAD = [
    sale(2, "2026-03-31T10:00:01Z"),
    counted(1, "2026-04-20T10:00:00Z", "shop"),
    receipt(1000, "2027-05-01T10:00:00Z", 500),
    receipt(7, "2027-05-01T10:00:00Z", 500, "attic"),
    receipt(9, "2027-05-01T10:00:00Z", 500, sku="NEW"),
]


async def told(platform: Any, report: str, **params: str) -> tuple[list[list[Any]], dict[str, Any]]:
    platform.now = NOW
    reply = await platform.ask(report=report, **params)
    assert isinstance(reply, Answer), reply
    answer = reports.decode_answer(reply.body)
    return answer.rows, answer.totals


@pytest.mark.parametrize(
    ("report", "params"),
    [
        ("inventory", {}),
        ("inventory", {"by": "location"}),
        ("inventory", {"from_": "2026-03-04"}),
        ("inventory", {"from_": "2026-03-25", "sku": "A"}),
        ("stock-ageing", {}),
        ("stock-ageing", {"by": "location"}),
        ("stock-ageing", {"location": "shop", "sku": "A"}),
        ("reorder", {}),
        ("reorder", {"weeks": "4"}),
    ],
)
async def test_what_is_dated_ahead_is_not_there_yet(platform, report, params):
    await platform.take(*HISTORY, receipt(3, "2026-03-01T10:00:00Z", 100, sku="OTHER"))
    before = await told(platform, report, **params)
    assert before[0]
    await platform.take(*AHEAD)
    assert await told(platform, report, **params) == before


async def test_what_was_dated_ahead_is_there_when_its_time_has_come(platform):
    await platform.take(*HISTORY, *AHEAD)
    rows, _ = await told(platform, "stock-ageing")
    assert [row[0] for row in rows] == ["A"]
    platform.now = datetime(2027, 5, 1, 10, tzinfo=UTC)
    for report in ("stock-ageing", "inventory"):
        answer = reports.decode_answer((await platform.ask(report=report, sort="sku")).body)
        figures = [dict(zip([column.name for column in answer.columns], row, strict=True)) for row in answer.rows]
        assert [(one["sku"], one["on_hand"]) for one in figures] == [("A", 10 + 6 - 4 - 5 - 2 + 1 + 1000 + 7), ("NEW", 9)]
