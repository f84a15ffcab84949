"""Whatever is in a file: every line is accepted or refused once, and no cent is lost or made up."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tillwise.testing import examples
from tillwise_common.contracts import events
from tillwise_common.imports.files import open_lines
from tillwise_common.imports.formats.generic import GenericCsv
from tillwise_common.imports.model import Outgoing, Target

QUANTITIES = st.one_of(st.integers(-50, 50).map(str), st.sampled_from(["", "x", "1.5", "3.0", "9999999", "٣"]))
PRICES = st.one_of(
    st.decimals(-500, 500, places=2).map(str),
    st.decimals(-1, 1, places=4).map(str),
    st.sampled_from(["", "inf", "1,50", "1,500.25", "1e3", "1e-40"]),
)
DISCOUNTS = st.one_of(st.just(""), st.decimals(0, 9, places=2).map(str))
DATES = st.sampled_from(["2024-03-31 02:30:00", "2024-10-27 02:30:00", "2024-01-01", "", "yesterday", "0001-01-01"])
ROWS = st.lists(
    st.tuples(st.sampled_from(["1", "2", "3", "", "1#2"]), DATES, st.sampled_from(["A", "B", ""]), QUANTITIES, PRICES, DISCOUNTS),
    max_size=40,
)
RUBBISH = st.lists(st.tuples(st.integers(0, 60), st.binary(min_size=1, max_size=12)), max_size=4)
TARGET = Target(ZoneInfo("Europe/Berlin"), 2, "EUR")


def read(path: Path) -> tuple[list[Outgoing], list[int]]:
    refused: list[int] = []
    with open_lines(path) as (lines, _):
        return list(GenericCsv().events(lines, TARGET, lambda row, code: refused.append(row))), refused


@settings(max_examples=examples(200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, rubbish=RUBBISH)
def test_lines_and_cents_add_up(tmp_path: Path, rows: list[tuple[str, ...]], rubbish: list[tuple[int, bytes]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([("order_id", "occurred_at", "sku", "quantity", "unit_price", "discount"), *rows])
    lines = text.getvalue().encode().splitlines(keepends=True)
    for place, junk in rubbish:
        lines.insert(1 + place % len(lines), junk + b"\n")
    path = tmp_path / "orders.csv"
    path.write_bytes(b"".join(lines))
    found, refused = read(path)
    taken = [row for out in found for row in out.rows]
    assert len(set(taken + refused)) == len(taken) + len(refused)
    assert len({out.event["id"] for out in found}) == len(found)
    # Of the lines that were not made of rubbish, none is missing.
    assert len(taken) + len(refused) >= len(rows) - (len(rows) if any(b'"' in junk for _, junk in rubbish) else 0)
    for out in found:
        # What is sent is what the gateway takes.
        event = events.one.decode(msgspec.json.encode(out.event))
        events.check(event, "EUR")
        assert isinstance(event, events.OrderPlaced)
        assert sum(line.quantity * line.unit_price - line.discount for line in event.data.lines) == out.minor
        # Half a cent a line at most.
        assert abs(out.exact * 100 - out.minor) <= Decimal("0.5") * len(out.rows)


@settings(max_examples=examples(60), deadline=None)
@given(rows=st.lists(st.tuples(st.sampled_from("123"), st.integers(1, 9), st.decimals(-99, 99, places=3)), min_size=1, max_size=30))
def test_total_of_a_clean_file_is_what_a_spreadsheet_says(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int, Decimal]]
) -> None:
    path = tmp_path_factory.mktemp("clean") / "orders.csv"
    body = "".join(f"{order},2024-01-01,A,{quantity},{price}\n" for order, quantity, price in rows)
    path.write_text("order_id,occurred_at,sku,quantity,unit_price\n" + body)
    found, refused = read(path)
    assert refused == []
    assert sum(out.exact for out in found) == sum(quantity * price for _, quantity, price in rows)
