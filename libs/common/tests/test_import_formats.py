"""The adapters, on small files with all the dirt of real ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tillwise_common.imports.columns import Wording
from tillwise_common.imports.files import open_lines
from tillwise_common.imports.formats.cdnow import Cdnow
from tillwise_common.imports.formats.generic import GenericCsv
from tillwise_common.imports.formats.online_retail import OnlineRetail
from tillwise_common.imports.formats.stock import Stock
from tillwise_common.imports.model import Adapter, Outgoing, Refused, Target
from tillwise_common.imports.orders import MOST_LINES, WINDOW_ROWS
from tillwise_common.imports.problems import Unusable

Found = tuple[list[Outgoing], list[tuple[int, str]]]
Read = Callable[..., Found]
RETAIL = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
ORDER = "order_id,occurred_at,sku,quantity,unit_price\n"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads a text or bytes as a file: what is to be sent, and line and reason of what was refused."""

    def run(adapter: Adapter, content: str | bytes, zone: str = "Europe/London", exponent: int = 2) -> Found:
        path, refused = tmp_path / "file", []
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with open_lines(path) as (lines, _):
            target = Target(ZoneInfo(zone), exponent, "GBP")
            return list(adapter.events(lines, target, lambda row, code: refused.append((row, code)))), refused

    return run


def retail(read: Read, *lines: str) -> Found:
    return read(OnlineRetail(), RETAIL + "\n".join(lines) + "\n")


def goods(outgoing: Outgoing) -> list[tuple[str, int, int]]:
    return [(line["sku"], line["quantity"], line["unit_price"]) for line in outgoing.event["data"]["lines"]]


def ids(found: list[Outgoing]) -> list[str]:
    return [outgoing.event["data"]["order_id"] for outgoing in found]


def instant(outgoing: Outgoing) -> datetime:
    return datetime.fromisoformat(outgoing.event["occurred_at"]).astimezone(UTC)


def test_invoice_becomes_one_order_with_its_customer_and_country(read: Read) -> None:
    (order,), refused = retail(
        read,
        "536365,85123A,WHITE HOLDER,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom",
        '536365,71053,"LANTERN, WHITE",2,2010-12-01 08:26:00,3.39,17850.0,United Kingdom',
    )
    data: Any = order.event["data"]
    assert order.event["id"] == "import:online-retail:536365"
    assert instant(order) == datetime(2010, 12, 1, 8, 26, tzinfo=UTC)
    assert (data["order_id"], data["customer_id"], data["country"]) == ("536365", "17850", "United Kingdom")
    assert goods(order) == [("85123A", 6, 255), ("71053", 2, 339)]
    assert data["lines"][1]["name"] == "LANTERN, WHITE"
    assert (order.minor, order.exact, order.rows, refused) == (6 * 255 + 2 * 339, Decimal("22.08"), [2, 3], [])


def test_cancelled_invoice_stays_a_receipt_with_negative_quantities(read: Read) -> None:
    (order,), _ = retail(read, "C536379,D,Discount,-1,2010-12-01 09:41:00,27.5,14527.0,United Kingdom")
    assert (goods(order), order.minor, order.event["data"]["customer_id"]) == ([("D", -1, 2750)], -2750, "14527")


def test_negative_price_is_sent_as_a_negative_quantity(read: Read) -> None:
    (order,), _ = retail(read, "A563186,B,Adjust bad debt,1,2011-08-12 14:51:00,-11062.06,,United Kingdom")
    assert (goods(order), order.minor, order.exact) == ([("B", -1, 1106206)], -1106206, Decimal("-11062.06"))
    assert "customer_id" not in order.event["data"]


def test_price_finer_than_a_penny_is_rounded_in_the_open(read: Read) -> None:
    (order,), _ = retail(read, "550193,PADS,PADS TO MATCH,1,2011-04-15 09:27:00,0.001,13952.0,United Kingdom")
    assert (goods(order), order.minor, order.exact) == ([("PADS", 1, 0)], 0, Decimal("0.001"))


@pytest.mark.parametrize(
    ("quantity", "price", "minor"), [(1000, "0.005", 500), (-1000, "0.005", -500), (3, "3.33333", 1000), (7, "-0.335", -235)]
)
def test_amount_of_many_units_at_a_fine_price_is_off_by_half_a_penny_at_most(read: Read, quantity: int, price: str, minor: int) -> None:
    (order,), _ = retail(read, f"1,A,x,{quantity},2011-04-15 09:27:00,{price},,X")
    assert sum(units * each for _, units, each in goods(order)) == order.minor == minor
    assert abs(sum(units for _, units, _ in goods(order))) == abs(quantity)
    assert abs(order.exact * 100 - order.minor) <= Decimal("0.5")


def test_repeated_lines_are_kept(read: Read) -> None:
    line = "536409,21866,UNION JACK,1,2010-12-01 11:45:00,1.25,17908.0,United Kingdom"
    (order,), _ = retail(read, line, line)
    assert (len(goods(order)), order.minor) == (2, 250)


@pytest.mark.parametrize(
    ("sku", "category"),
    [("POST", "non-product"), ("m", "non-product"), ("gift_0001_20", "non-product"), ("BANK CHARGES", "non-product"), ("85123A", None)],
)
def test_bookkeeping_codes_are_told_from_products(read: Read, sku: str, category: str | None) -> None:
    (order,), _ = retail(read, f"1,{sku},x,1,2011-01-01 10:00:00,1.00,,UK")
    assert order.event["data"]["lines"][0].get("category") == category


def test_mixed_invoices_are_put_together_again_with_their_first_time(read: Read) -> None:
    orders, _ = retail(
        read,
        "1,A,x,1,2011-01-01 10:00:00,1.00,,UK",
        "2,A,x,1,2011-01-01 10:00:00,1.00,,UK",
        "1,B,x,1,2011-01-01 10:01:00,1.00,,UK",
    )
    assert sorted((order.event["data"]["order_id"], len(goods(order)), instant(order).minute) for order in orders) == [
        ("1", 2, 0),
        ("2", 1, 0),
    ]


def test_invoice_that_turns_up_again_much_later_becomes_a_second_order(read: Read) -> None:
    others = [f"{n},A,x,1,2011-01-01 10:00:00,1.00,,UK" for n in range(100, 101 + WINDOW_ROWS)]
    first = "1,A,x,1,2011-01-01 10:00:00,1.00,,UK"
    orders, _ = retail(read, first, *others, first)
    assert ids(orders)[0] == "1"
    assert "1#2" in ids(orders)
    assert len(orders) == len(set(ids(orders))) == len({order.event["id"] for order in orders})
    assert sum(order.minor for order in orders) == (WINDOW_ROWS + 3) * 100


def test_made_up_suffix_never_takes_the_id_of_a_real_order(read: Read) -> None:
    others = [f"{n},A,x,1,2011-01-01 10:00:00,1.00,,UK" for n in range(100, 101 + WINDOW_ROWS)]
    first, real = "1,A,x,1,2011-01-01 10:00:00,1.00,,UK", "1#2,A,x,1,2011-01-01 10:00:00,1.00,,UK"
    found = ids(retail(read, first, real, *others, first, real)[0])
    assert len(found) == len(set(found))
    assert {"1", "1#2", "1#3", "1#2#2"} <= set(found)


def test_order_with_too_many_lines_is_split_and_keeps_its_customer(read: Read) -> None:
    orders, _ = retail(read, *["1,A,x,1,2011-01-01 10:00:00,1.00,7,UK"] * (MOST_LINES + 1))
    assert [(order.event["data"]["order_id"], len(goods(order)), order.event["data"]["customer_id"]) for order in orders] == [
        ("1", MOST_LINES, "7"),
        ("1#2", 1, "7"),
    ]


def test_second_run_makes_the_same_events(read: Read) -> None:
    lines = [f"{n % 7},A{n},x,{n + 1},2011-01-01 10:00:00,1.{n % 90 + 10},,UK" for n in range(50)]
    first, second = retail(read, *lines)[0], retail(read, *lines)[0]
    assert [order.event for order in first] == [order.event for order in second]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",A,x,1,2011-01-01 10:00:00,1.00,,UK", "missing_order_id"),
        ("1,,x,1,2011-01-01 10:00:00,1.00,,UK", "missing_sku"),
        ("1,A,x,one,2011-01-01 10:00:00,1.00,,UK", "bad_quantity"),
        ("1,A,x,1.5,2011-01-01 10:00:00,1.00,,UK", "bad_quantity"),
        ("1,A,x,,2011-01-01 10:00:00,1.00,,UK", "bad_quantity"),
        ("1,A,x,1000001,2011-01-01 10:00:00,1.00,,UK", "bad_quantity"),
        ("1,A,x,1,2011-01-01 10:00:00,free,,UK", "bad_price"),
        ("1,A,x,1,2011-01-01 10:00:00,NaN,,UK", "bad_price"),
        ("1,A,x,1,2011-01-01 10:00:00,1e99,,UK", "bad_price"),
        ("1,A,x,1,2011-02-30 10:00:00,1.00,,UK", "bad_date"),
        ("1,A,x,1,,1.00,,UK", "bad_date"),
        ("1,A,x,1", "too_few_columns"),
        ("1,A,x,y,1,2011-01-01 10:00:00,1.00,,UK", "too_many_columns"),
        ("1,A\0,x,1,2011-01-01 10:00:00,1.00,,UK", "bad_encoding"),
        # Cut off, two of them could become one.
        ("9" * 101 + ",A,x,1,2011-01-01 10:00:00,1.00,,UK", "bad_order_id"),
        ("1," + "9" * 129 + ",x,1,2011-01-01 10:00:00,1.00,,UK", "bad_sku"),
        ("1,A,x,1,2011-01-01 10:00:00,1.00," + "9" * 129 + ",UK", "bad_customer"),
    ],
)
def test_line_that_cannot_be_used_is_refused_with_its_reason(read: Read, line: str, reason: str) -> None:
    good = "7,A,x,1,2011-01-01 10:00:00,1.00,,UK"
    orders, refused = retail(read, good, line, good)
    assert refused == [(3, reason)]
    assert [order.rows for order in orders] == [[2, 4]]


def test_broken_bytes_cost_their_line_only(read: Read) -> None:
    good = b"7,A,x,1,2011-01-01 10:00:00,1.00,,UK\n"
    orders, refused = read(OnlineRetail(), RETAIL.encode() + good + b"8,A,\xff\xfe,1,2011-01-01 10:00:00,1.00,,UK\n" + good)
    assert (refused, [order.rows for order in orders]) == ([(3, "bad_encoding")], [[2, 4]])


def test_quotation_mark_that_is_not_closed_costs_its_line_only(read: Read) -> None:
    orders, refused = retail(read, '1,A,"oh,1,2011-01-01 10:00:00,1.00,,UK', *["7,A,x,1,2011-01-01 10:00:00,1.00,,UK"] * 3_000)
    assert (refused, sum(order.minor for order in orders)) == ([(2, "bad_quoting")], 300_000)


def test_quotation_mark_open_in_the_last_line_is_told_as_such(read: Read) -> None:
    _, refused = retail(read, '1,A,"oh,1,2011-01-01 10:00:00,1.00,,UK')
    assert refused == [(2, "bad_quoting")]


@pytest.mark.parametrize("last", ["x", '"x', '"x"'])
def test_quotation_mark_open_at_the_end_of_a_line_swallows_no_line(read: Read, last: str) -> None:
    text = "order_id,occurred_at,sku,quantity,unit_price,name\n" + '1,2024-01-01,A,1,1.00,"oh\n' + f"2,2024-01-01,A,1,1.00,{last}\n"
    orders, refused = read(GenericCsv(), text + "3,2024-01-01,A,1,1.00,x\n" * 2)
    assert sum(len(order.rows) for order in orders) + len(refused) == 4
    assert {code for _, code in refused} == {"bad_quoting"}
    assert orders[-1].rows == [4, 5]


def test_description_over_two_lines_is_one_line_of_the_order(read: Read) -> None:
    orders, refused = retail(read, '1,A,"two\nlines",1,2011-01-01 10:00:00,1.00,,UK', "2,A,x,1,2011-01-01 10:00:00,1.00,,UK")
    assert ([order.rows for order in orders], refused) == ([[2], [4]], [])
    assert orders[0].event["data"]["lines"][0]["name"] == "two\nlines"


def test_blank_lines_and_byte_order_mark_do_not_matter(read: Read) -> None:
    orders, refused = read(GenericCsv(), "\ufeff" + ORDER + "\n1,2024-01-01,A,1,1.00\n\n")
    assert (len(orders), refused) == (1, [])


def test_file_of_another_kind_is_refused_as_a_whole(read: Read) -> None:
    with pytest.raises(Refused, match="wrong_header"):
        read(OnlineRetail(), ORDER)
    with pytest.raises(Refused, match="empty_file"):
        read(OnlineRetail(), "")
    with pytest.raises(Refused, match="bad_encoding"):
        read(GenericCsv(), b"\xff\xfe\x00")


def test_columns_are_found_by_their_usual_names_in_any_order(read: Read) -> None:
    text = "Price;Qty;Product ID;Order Date;Order Number;Sales Channel;Country Code\n9.90;2;A-1;2024-03-01T12:00:00+01:00;77;web;DE\n"
    (order,), _ = read(GenericCsv(), text, zone="Europe/Berlin")
    data = order.event["data"]
    assert (data["order_id"], goods(order), data["country"], data["channel"]) == ("77", [("A-1", 2, 990)], "DE", "web")
    assert instant(order) == datetime(2024, 3, 1, 11, tzinfo=UTC)


def test_missing_columns_are_all_named(read: Read) -> None:
    with pytest.raises(
        Unusable,
        match=r"occurred_at, quantity, unit_price \(or amount\): name it with --map occurred_at=COLUMN .*; the file has order_id, sku, x",
    ):
        read(GenericCsv(), "order_id,sku,x\n1,2,3\n")
    with pytest.raises(Unusable, match="no column 'Nr'"):
        read(GenericCsv(Wording({"sku": "Nr"})), ORDER)


def test_mapping_names_columns_dates_and_decimals(read: Read) -> None:
    text = "Beleg|Tag|Nr|Stk|Preis\n1|24.12.2023 18:00|A|3|1.234,50\n"
    mapping = {"order_id": "Beleg", "occurred_at": "Tag", "sku": "Nr", "quantity": "Stk", "unit_price": "Preis"}
    (order,), _ = read(GenericCsv(Wording(mapping, decimal=",", date_format="%d.%m.%Y %H:%M")), text, zone="Europe/Berlin")
    assert (goods(order), instant(order)) == ([("A", 3, 123450)], datetime(2023, 12, 24, 17, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "decimal", "minor"),
    [
        ("1,50", ".", None),
        ("1,500.25", ".", 150025),
        ("1 500.25", ".", 150025),
        ("1.50", ",", None),
        ("1.500,25", ",", 150025),
        ("1.234", ",", 123400),
        ("12,34,567.00", ".", None),
        ("-1,234", ".", -123400),
    ],
)
def test_decimal_mark_is_never_taken_for_a_separator_of_thousands(read: Read, text: str, decimal: str, minor: int | None) -> None:
    orders, refused = read(GenericCsv(Wording(decimal=decimal)), ORDER.replace(",", ";") + f"1;2024-01-01;A;1;{text}\n")
    assert [order.minor for order in orders] == ([] if minor is None else [minor])
    assert refused == ([(2, "bad_price")] if minor is None else [])


@pytest.mark.parametrize(("exponent", "minor"), [(0, 1234), (2, 123400), (3, 1234000)])
def test_minor_units_follow_the_currency(read: Read, exponent: int, minor: int) -> None:
    (order,), _ = read(GenericCsv(), ORDER + "1,2024-01-01,A,1,1234\n", exponent=exponent)
    assert (order.minor, order.exact) == (minor, 1234)


def test_discount_lowers_what_a_line_is_worth(read: Read) -> None:
    text = "order_id,occurred_at,sku,quantity,unit_price,discount\n1,2024-01-01,A,2,10.00,1.50\n1,2024-01-01,B,3,3.3333,0.50\n"
    (order,), _ = read(GenericCsv(), text)
    lines = order.event["data"]["lines"]
    assert sum(line["quantity"] * line["unit_price"] - line.get("discount", 0) for line in lines) == order.minor == 1850 + 950


@pytest.mark.parametrize(
    ("wall_clock", "utc"),
    [
        ("2024-07-01 12:00:00", "2024-07-01T10:00"),
        ("2024-01-01", "2023-12-31T23:00"),
        # Twice on that night: the first of the two.
        ("2024-10-27 02:30:00", "2024-10-27T00:30"),
        # Never on that night: by the offset before the change.
        ("2024-03-31 02:30:00", "2024-03-31T01:30"),
        ("2024-07-01T12:00:00Z", "2024-07-01T12:00"),
    ],
)
def test_wall_clock_times_are_those_of_the_store(read: Read, wall_clock: str, utc: str) -> None:
    (order,), _ = read(GenericCsv(), ORDER + f"1,{wall_clock},A,1,1.00\n", zone="Europe/Berlin")
    assert instant(order).isoformat().startswith(utc)


def test_day_of_an_order_is_the_store_s_whatever_its_offset(read: Read) -> None:
    (order,), _ = read(GenericCsv(), ORDER + "1,2024-01-01T00:30:00Z,A,1,1.00\n", zone="America/New_York")
    assert order.day.isoformat() == "2023-12-31"


def test_cdnow_lines_become_orders_with_exact_amounts(read: Read) -> None:
    text = " 00001 19970101  1   11.77\n 00002 19970112  1   12.00\n 00002 19970112  5   77.03\n"
    orders, refused = read(Cdnow(), text, zone="America/New_York")
    assert [(order.event["data"]["customer_id"], order.minor, order.day.isoformat()) for order in orders] == [
        ("00001", 1177, "1997-01-01"),
        ("00002", 1200, "1997-01-12"),
        ("00002", 7703, "1997-01-12"),
    ]
    assert sum(units * price for _, units, price in goods(orders[2])) == 7703
    assert sum(units for _, units, _ in goods(orders[2])) == 5
    assert refused == []


def test_cdnow_purchases_of_one_day_stay_apart_even_when_others_lie_between(read: Read) -> None:
    orders, _ = read(Cdnow(), "1 19970101 1 1.00\n2 19970101 1 1.00\n1 19970101 1 3.00\n")
    assert len({order.event["id"] for order in orders}) == 3


def test_cdnow_sample_has_the_customer_in_front_of_the_number_in_the_sample(read: Read) -> None:
    text = b" 00004    1 19970101  2   29.33\nbroken\n 00004 1 19971301 1 1.00\n 00004 1 19970118 x 1.00\n 0\xff 1 19970118 1 1.00\n"
    orders, refused = read(Cdnow(), text)
    assert [(order.event["data"]["customer_id"], order.minor) for order in orders] == [("00004", 2933)]
    assert refused == [(2, "too_few_columns"), (3, "bad_date"), (4, "bad_quantity"), (5, "bad_encoding")]


def test_stock_lines_become_movements_and_counts(read: Read) -> None:
    text = (
        "sku,location,quantity,reason,occurred_at,unit_cost\n"
        "A,main,10,receipt,2024-01-01 08:00,1.25\nA,main,-2,sale,2024-01-02 08:00,\nA,,0,count,2024-01-03 08:00,\n"
        "A,,8,lost,2024-01-03 08:00,\nA,,-1,count,2024-01-03 08:00,\n,,1,sale,2024-01-03 08:00,\n"
    )
    found, refused = read(Stock(), text)
    assert [(out.event["type"], out.event["data"]["quantity"], out.event["data"].get("location")) for out in found] == [
        ("stock.moved", 10, "main"),
        ("stock.moved", -2, "main"),
        ("stock.counted", 0, None),
    ]
    assert (found[0].event["data"]["reason"], found[0].event["data"]["unit_cost"]) == ("receipt", 125)
    assert refused == [(5, "bad_reason"), (6, "bad_quantity"), (7, "missing_sku")]


def test_same_movement_twice_in_a_file_is_two_and_again_the_same_two(read: Read) -> None:
    text = "sku,quantity,reason,occurred_at\n" + "A,1,receipt,2024-01-01\n" * 3 + "B,1,receipt,2024-01-01\n"
    first, second = ([out.event["id"] for out in read(Stock(), text)[0]] for _ in range(2))
    assert len(set(first)) == 4
    assert first == second
