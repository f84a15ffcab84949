"""A stand-in for the analytics service: it answers on the real bus with what a test gives it."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from tillwise_common.bus import names
from tillwise_common.bus.ask import Answerer
from tillwise_common.bus.connection import RedisConnection
from tillwise_common.bus.envelope import Envelope
from tillwise_common.contracts import reports
from tillwise_common.contracts.reports import Answer, DescribeReports, Refusal, Reply, RunReport
from tillwise_common.settings import Secret

ETAG = '"abc123"'
_FILTER = {"anyOf": [{"type": "string", "maxLength": 256}, {"type": "null"}], "default": None}
_DATE = {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}], "default": None}
_PARAMETERS = {
    "properties": {
        "from": {"description": "First day.", **_DATE},
        "basis": {"enum": ["gross", "net"], "default": "net"},
        "by": {"anyOf": [{"enum": ["channel", "country"]}, {"type": "null"}], "default": None},
        "growth": {"type": "boolean", "default": False},
        "limit": {"type": "integer", "minimum": 1, "maximum": 50, "default": 10},
        "channel": _FILTER,
        "location": _FILTER,
    }
}
_OF_TREND = {
    "properties": {
        "from": _DATE, "to": _DATE,
        "metric": {"enum": ["orders", "sales"], "default": "sales"},
        "top": {"type": "integer", "minimum": 1, "maximum": 50, "default": 10},
        "moving_average": {"anyOf": [{"type": "integer", "minimum": 2, "maximum": 366}, {"type": "null"}], "default": None},
        "cumulative": {"type": "boolean", "default": False},
        "interval": {"type": "integer", "minimum": 50, "maximum": 99, "default": 80},
        "channel": _FILTER, "country": _FILTER, "category": _FILTER, "sku": _FILTER,
    }
}  # fmt: skip
CATALOGUE = [
    {"name": "trend", "title": "Trend", "description": "How sales go.", "parameters": _OF_TREND, "columns": []},
    {"name": "products", "title": "Products", "description": "What sells.", "parameters": _PARAMETERS, "columns": []},
]


def trend(**changes: Any) -> dict[str, Any]:
    """An answer as the trend gives it, with a comparison."""
    row = ["2026-03-01", 123_456, False, 100_000, "2026-01-30", 0.23456]
    answer: dict[str, Any] = {
        "report": "trend",
        "params": {"from": "2026-03-01", "to": "2026-03-02", "metric": "sales", "granularity": "day", "by": None, "top": 10,
                   "compare": "previous_period", "basis": "net", "channel": None, "country": None, "category": None, "sku": None},
        "store": {"id": 1, "name": "shop", "currency": "EUR"},
        "timezone": "Europe/Berlin",
        "generated_at": "2026-03-02T12:00:00+00:00",
        "columns": [{"name": "bucket", "type": "date", "unit": None}, {"name": "value", "type": "money", "unit": "EUR"},
                    {"name": "partial", "type": "boolean", "unit": None}, {"name": "comparison", "type": "money", "unit": "EUR"},
                    {"name": "comparison_bucket", "type": "date", "unit": None}, {"name": "change", "type": "percent", "unit": None}],
        "rows": [row, ["2026-03-02", -5, True, 0, "2026-01-31", None]],
        "totals": {"value": 123_451, "comparison": 100_000, "change": 0.23451},
        "charts": [{"data": {"values": [{"bucket": "2026-03-01T00:00:00", "value": 1234.56}]}, "mark": "line", "encoding": {}}],
        "notes": ["Net: after discounts.", "Buckets marked partial have not ended yet."],
    }  # fmt: skip
    return {**answer, **changes}


class StandIn:
    """Remembers what was asked; `reply` is what it says next time."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        # None: it never says anything.
        self.reply: Reply | None = Answer(orjson.dumps(trend()), ETAG)

    def answers(self, **changes: Any) -> None:
        self.reply = Answer(orjson.dumps(trend(**changes)), ETAG)

    async def answer(self, question: Envelope) -> bytes:
        asked = reports.decode_question(question.data)
        if isinstance(asked, DescribeReports) and isinstance(self.reply, Answer):
            return reports.encode(Answer(orjson.dumps({"reports": CATALOGUE})))
        self.asked.append(asked)
        if self.reply is None:
            await asyncio.Event().wait()
        if isinstance(asked, RunReport) and isinstance(self.reply, Answer) and asked.if_none_match and ETAG in asked.if_none_match:
            return reports.encode(Answer(b"", ETAG, fresh=False))
        assert self.reply is not None
        return reports.encode(self.reply)


def refusal(status: int, **error: Any) -> Refusal:
    """What analytics says when it cannot answer."""
    return Refusal(status, "refused", "It cannot be.", [error] if error else [])


async def standing_in(redis_url: str) -> tuple[StandIn, Any]:
    """A stand-in that answers, and what ends it."""
    connection, stand_in = RedisConnection(Secret(redis_url)), StandIn()
    await connection.start()
    answerer = Answerer(connection, reports.TOPIC, "stand-in", stand_in.answer)
    await answerer.start()

    async def end() -> None:
        # Until Python 3.12, asyncio.wait_for (in redis-py) may swallow a cancellation: ask until it is heard.
        for task in [t for t in asyncio.all_tasks() if t.get_name() == f"answer {names.requests(reports.TOPIC)}"]:
            while not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=0.1)
        await answerer.drain()
        await answerer.close()
        await connection.close()

    return stand_in, end
