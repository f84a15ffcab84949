"""Exports of shop systems: whole orders with discounts, refunds and cancellations, and every line accepted or rejected once."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from tillwise_common.contracts import events as contracts
from tillwise_common.imports.choosing import adapter
from tillwise_common.imports.columns import Wording
from tillwise_common.imports.files import open_lines
from tillwise_common.imports.model import Outgoing, Refused, Target

EXPORTS = Path(__file__).parent / "exports"
TARGET = Target(ZoneInfo("Europe/Berlin"), 2, "EUR")


def read(format_: str, lines: Any) -> tuple[list[Outgoing], dict[int, str]]:
    rejected: dict[int, str] = {}

    def reject(row: int, code: str) -> None:
        assert row not in rejected
        rejected[row] = code

    return list(adapter("orders", format_, Wording()).events(iter(lines), TARGET, reject)), rejected


def golden(format_: str) -> tuple[list[Outgoing], dict[int, str]]:
    with open_lines(EXPORTS / f"{format_}.csv") as (lines, _):
        return read(format_, lines)


def by_id(found: list[Outgoing]) -> dict[str, dict[str, Any]]:
    return {out.event["id"]: out.event for out in found}


def shopify_rows(**changes: str) -> list[str]:
    """The golden file's header and one good order of one line, changed."""
    with (EXPORTS / "shopify.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    good = next(row for row in rows if row["Name"] == "#1004") | changes
    text = io.StringIO()
    writer = csv.DictWriter(text, list(good))
    writer.writeheader()
    writer.writerow(good)
    return text.getvalue().splitlines(keepends=True)


@pytest.mark.parametrize("format_", ["shopify", "woocommerce"])
def test_every_row_of_an_export_is_accepted_or_rejected_once(format_):
    found, rejected = golden(format_)
    accepted = [row for out in found for row in out.rows]
    with (EXPORTS / f"{format_}.csv").open(newline="") as file:
        rows = len(list(csv.reader(file))) - 1
    assert len(accepted) == len(set(accepted))
    assert not set(accepted) & rejected.keys()
    assert len(accepted) + len(rejected) == rows


@pytest.mark.parametrize("format_", ["shopify", "woocommerce"])
def test_the_platform_takes_every_event_of_an_export(format_):
    for out in golden(format_)[0]:
        contracts.check(contracts.one.decode(msgspec.json.encode(out.event)), "EUR")


@pytest.mark.parametrize("format_", ["shopify", "woocommerce"])
def test_a_second_reading_gives_the_same_ids(format_):
    assert by_id(golden(format_)[0]) == by_id(golden(format_)[0])


def test_shopify_an_orders_discount_is_spread_over_its_lines_to_its_subtotal():
    found, _ = golden("shopify")
    order = by_id(found)["import:shopify:#1001"]
    assert order["occurred_at"] == "2024-03-01T10:00:00+01:00"
    assert order["data"] == {
        "order_id": "#1001", "customer_id": "ada@example.com", "country": "AT", "channel": "web", "shipping": 490, "tax": 797,
        "lines": [
            {"sku": "MUG-L", "quantity": 2, "unit_price": 1500, "name": 'Mug "Large", blue', "discount": 300},
            {"sku": "TOWEL", "quantity": 1, "unit_price": 2000, "name": "Tea towel", "discount": 200},
        ],
    }  # fmt: skip
    # The note goes over four lines of the file: rows are told by the line on which they begin.
    assert next(out for out in found if out.event is order or out.event == order).rows == [2, 6]


def test_shopify_money_given_back_is_a_refund_of_the_order():
    found = by_id(golden("shopify")[0])
    assert found["import:shopify:#1002"]["data"]["lines"][0]["sku"] == "Sticker"
    assert found["import:shopify:#1002:refund:1"]["data"] == {"order_id": "#1002", "refund_id": "#1002:1", "amount": 1000}


def test_shopify_a_cancelled_order_is_placed_and_cancelled_and_nothing_of_it_refunded():
    found = by_id(golden("shopify")[0])
    assert found["import:shopify:#1003:cancelled"]["occurred_at"] == "2024-03-04T09:30:00+01:00"
    assert "import:shopify:#1003:refund:1" not in found
    assert found["import:shopify:#1007:cancelled"]["type"] == "order.cancelled"


def test_shopify_a_discount_on_shipping_is_not_taken_off_products():
    assert "discount" not in by_id(golden("shopify")[0])["import:shopify:#1004"]["data"]["lines"][0]


def test_shopify_an_order_with_a_bad_line_is_rejected_as_a_whole_and_the_line_is_told():
    _, rejected = golden("shopify")
    assert [rejected[row] for row in sorted(rejected)] == [
        "currency_mismatch", "order_rejected", "order_rejected", "bad_price", "bad_date",
    ]  # fmt: skip


def test_shopify_what_the_events_are_worth_is_the_sum_of_what_is_left_of_the_orders():
    found, _ = golden("shopify")
    # 45.00 + (30.00 - 10.00) + 20.00; the cancelled ones are worth nothing.
    assert sum(out.minor for out in found) == 8500
    assert sum(out.exact for out in found) == 85


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Subtotal": "25.00"}, "bad_amount"),
        ({"Subtotal": "", "Discount Amount": "21.00"}, "bad_discount"),
        ({"Lineitem quantity": "-1"}, "bad_quantity"),
        ({"Lineitem name": "", "Lineitem sku": ""}, "missing_sku"),
        ({"Name": ""}, "missing_order_id"),
        ({"Created at": "", "Currency": ""}, "order_rejected"),
        ({"Email": "x" * 129}, "bad_customer"),
        ({"Name": "x" * 101}, "bad_order_id"),
        ({"Refunded Amount": "some"}, "bad_refund"),
    ],
)
def test_shopify_what_makes_no_sense_is_rejected_with_its_reason(changes, reason):
    assert read("shopify", shopify_rows(**changes)) == ([], {2: reason})


def test_shopify_more_given_back_than_the_products_cost_is_what_they_cost():
    found, _ = read("shopify", shopify_rows(**{"Refunded Amount": "24.90"}))
    assert [out.minor for out in found] == [2000, -2000]


def test_shopify_a_struck_line_counts_nothing():
    found, rejected = read("shopify", shopify_rows(**{"Lineitem quantity": "0", "Subtotal": "0.00"}))
    assert (found[0].event["data"]["lines"][0], rejected) == (
        {"sku": "TOWEL", "quantity": 0, "unit_price": 0, "name": "Tea towel"}, {},
    )  # fmt: skip


@pytest.mark.parametrize("format_", ["shopify", "woocommerce"])
def test_a_file_with_other_columns_is_refused_as_a_whole(format_):
    with pytest.raises(Refused, match="wrong_header"):
        read(format_, ["order,date,sku\n", "1,2024-01-01,A\n"])


def test_woocommerce_lines_have_their_own_discounts_and_names_may_hold_the_separator():
    order = by_id(golden("woocommerce")[0])["import:woocommerce:71"]
    assert order["occurred_at"] == "2024-03-01T10:00:00+01:00"
    assert order["data"] == {
        "order_id": "71", "customer_id": "9", "country": "AT", "shipping": 490, "tax": 650,
        "lines": [
            {"sku": "HOODIE", "quantity": 2, "unit_price": 2000, "name": "Hoodie | blue", "discount": 400},
            {"sku": "46", "quantity": 1, "unit_price": 1000, "name": "Cap", "discount": 100},
        ],
    }  # fmt: skip


def test_woocommerce_every_refund_counts_on_its_day_and_never_more_than_was_paid():
    found = by_id(golden("woocommerce")[0])
    refunds = [found[f"import:woocommerce:72:refund:{number}"] for number in (1, 2)]
    assert [(one["occurred_at"][:10], one["data"]["amount"]) for one in refunds] == [("2024-03-10", 1000), ("2024-03-11", 2000)]
    assert found["import:woocommerce:74:refund:1"]["data"]["amount"] == 1000


def test_woocommerce_guests_are_known_by_their_address_and_the_cancelled_are_cancelled():
    found = by_id(golden("woocommerce")[0])
    assert found["import:woocommerce:72"]["data"]["customer_id"] == "guest@example.com"
    assert found["import:woocommerce:73:cancelled"]["type"] == "order.cancelled"


def test_woocommerce_what_is_no_sale_or_makes_no_sense_is_rejected_with_its_reason():
    _, rejected = golden("woocommerce")
    assert [rejected[row] for row in sorted(rejected)] == ["not_a_sale", "currency_mismatch", "bad_quantity", "bad_date", "no_lines"]
