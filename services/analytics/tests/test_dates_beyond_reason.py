"""Every date that a report takes: one beyond reason is refused by its own name."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec
import pytest

from tillwise_analytics.reports.parameters import parts
from tillwise_analytics.reports.registry import REPORTS
from tillwise_common.contracts import reports
from tillwise_common.contracts.reports import Answer, Refusal

from .shop_events import placed, refunded

DATES = [
    (report.name, field.encode_name)
    for report in REPORTS.values()
    for field in msgspec.structs.fields(report.params)
    if date in parts(field.type)
]


@pytest.mark.parametrize(("report", "parameter"), DATES)
async def test_a_date_beyond_reason_is_refused_by_its_own_name(platform, report, parameter):
    for value in ("0001-01-01", "1899-12-31", "2201-01-01", "9999-12-31", "null"):
        reply = await platform.ask(report=report, **{parameter: value})
        assert isinstance(reply, Refusal), (value, reply)
        assert (reply.status, [error["parameter"] for error in reply.errors]) == (422, [parameter])


@pytest.mark.parametrize("as_of", ["2026-03-02", "2026-03-06"])
async def test_retention_is_told_for_no_day_before_the_last_order_or_after_today(platform, as_of):
    platform.now = datetime(2026, 3, 5, 12, tzinfo=UTC)
    await platform.take(placed("1", "2026-03-03T12:00:00Z", customer_id="x"))
    reply = await platform.ask(report="retention", as_of=as_of)
    assert isinstance(reply, Refusal)
    assert reply.errors[0]["parameter"] == "as_of"
    assert "2026-03-03" in reply.errors[0]["detail"]
    assert isinstance(await platform.ask(report="retention", as_of="2026-03-04"), Answer)


async def test_money_given_back_after_the_last_order_is_off_the_lifetime_value(platform):
    platform.now = datetime(2026, 3, 20, 12, tzinfo=UTC)
    await platform.take(placed("1", "2026-03-03T12:00:00Z", customer_id="x"), placed("2", "2026-03-04T12:00:00Z", customer_id="y"))
    await platform.take(refunded("1", "r", "2026-03-10T12:00:00Z", amount=400))
    answer = reports.decode_answer((await platform.ask(report="ltv", level="store")).body)
    found = dict(zip([column.name for column in answer.columns], answer.rows[0], strict=True))
    assert found["sales"] == 1600
    # The models are fitted on purchases, and the last one is no later than it was.
    assert answer.params["fit_until"] == "2026-03-04"


@pytest.mark.parametrize(("report", "parameter"), DATES)
async def test_the_first_and_the_last_date_there_are_fail_no_report(platform, report, parameter):
    """With nothing sold, and with something: answered, or refused by the name of what was given."""
    platform.now = datetime(2026, 3, 5, 12, tzinfo=UTC)
    for _ in range(2):
        for value in ("1900-01-01", "2200-12-31"):
            reply = await platform.ask(report=report, **{parameter: value})
            assert isinstance(reply, Answer) or reply.status == 422, (value, reply)
            named = [] if isinstance(reply, Answer) else [error["parameter"] for error in reply.errors]
            # Too long a time is told by what could make it shorter.
            assert set(named) <= {parameter, "granularity", "periods"}, (value, reply)
        await platform.take(placed("1", "2026-03-03T12:00:00Z", customer_id="x"))


FILTERS = [
    (report.name, field.encode_name)
    for report in REPORTS.values()
    for field in msgspec.structs.fields(report.params)
    if field.encode_name in ("channel", "country", "category", "sku", "location", "supplier")
]


@pytest.mark.parametrize(("report", "parameter"), FILTERS)
async def test_what_is_called_null_can_be_chosen(platform, report, parameter):
    answer = reports.decode_answer((await platform.ask(report=report, **{parameter: "null"})).body)
    assert answer.params[parameter] == "null"
