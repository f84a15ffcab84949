"""Questions to the analytics service and its answers."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tillwise_common.contracts.stores import Store

TOPIC = "reports"


class RunReport(msgspec.Struct, tag="run"):
    """Run one report of one store; `params` are the query parameters as the client sent them.

    `besides` names the parameters that the asker takes itself, so that a list of all there are is complete.
    """

    store: Store
    report: str
    params: dict[str, str]
    if_none_match: str | None = None
    besides: list[str] = []


class DescribeReports(msgspec.Struct, tag="describe"):
    """Ask for the catalogue: names, descriptions and JSON Schema of the parameters."""


Question = RunReport | DescribeReports


class Answer(msgspec.Struct, tag="answer"):
    """`body` is the finished JSON of the answer; it is empty when the asker's copy (`etag`) is still right."""

    body: bytes
    etag: str = ""
    fresh: bool = True


class Refusal(msgspec.Struct, tag="refusal"):
    """The question cannot be answered, and why, in the terms of the HTTP answer it becomes."""

    status: int
    code: str
    detail: str
    errors: list[dict[str, Any]] = []


Reply = Answer | Refusal

ColumnType = Literal["date", "datetime", "text", "count", "money", "percent", "number", "boolean", "duration"]


class Column(msgspec.Struct, frozen=True):
    """A column of an answer. Money is in minor units of the currency in `unit`: integers, except for means, which are not
    rounded. A percent of 1.0 is 100 %.
    """

    name: str
    type: ColumnType
    unit: str | None = None


class OfferedColumn(msgspec.Struct, frozen=True, rename={"with_": "with"}):
    """A column that a report may answer, in the catalogue. `types` are all it may have; the first is the one of an answer
    to no parameters. Money has no unit here: it is in the store's currency, which the answer says.
    """

    name: str
    types: tuple[ColumnType, ...]
    description: str
    # The parameter that adds it; None: it is always there.
    with_: str | None = None
    unit: str | None = None

    def described(self) -> dict[str, Any]:
        """Its entry in the catalogue."""
        return {**msgspec.to_builtins(self), "type": self.types[0]}


class StoreSummary(msgspec.Struct, frozen=True):
    id: int
    name: str
    currency: str


class ReportAnswer(msgspec.Struct):
    """The JSON of `GET /api/v1/reports/{name}`."""

    report: str
    params: dict[str, Any]
    store: StoreSummary
    timezone: str
    generated_at: str
    columns: list[Column]
    rows: list[list[Any]]
    totals: dict[str, Any]
    charts: list[dict[str, Any]]
    notes: list[str]
    # Of a report that fits a model: its parameters and how it did. Others leave it out.
    model: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


encode = msgspec.msgpack.Encoder().encode
decode_question = msgspec.msgpack.Decoder(Question).decode
decode_reply = msgspec.msgpack.Decoder(Reply).decode
decode_answer = msgspec.json.Decoder(ReportAnswer).decode
