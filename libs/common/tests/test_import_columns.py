"""Order files of any shop: which columns there may be, and how a mapping file names them."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from tillwise_common.contracts import events
from tillwise_common.imports.columns import Wording
from tillwise_common.imports.files import open_lines
from tillwise_common.imports.formats import generic, stock
from tillwise_common.imports.formats.generic import GenericCsv
from tillwise_common.imports.formats.stock import Stock
from tillwise_common.imports.mapping import read_mapping, with_options
from tillwise_common.imports.model import Adapter, Outgoing, Target
from tillwise_common.imports.problems import Unusable

Found = tuple[list[Outgoing], list[tuple[int, str]]]
Read = Callable[..., Found]
NEEDED = "order_id,occurred_at,sku,quantity"
GERMAN = """
delimiter = ";"
decimal = ","
date_format = "%d.%m.%Y"

[columns]
order_id = "Beleg"
occurred_at = "Tag"
sku = "Nr"
quantity = "Stk"
amount = "Summe"

[values]
channel = "pos"
"""


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads a text as a file: what is to be sent, and line and reason of what was refused. What is to be sent is valid."""

    def run(adapter: Adapter, content: str, currency: str = "EUR") -> Found:
        path, refused = tmp_path / "file", []
        path.write_text(content)
        with open_lines(path) as (lines, _):
            target = Target(ZoneInfo("Europe/Berlin"), 2, currency)
            found = list(adapter.events(lines, target, lambda row, code: refused.append((row, code))))
        for outgoing in found:
            events.one.decode(msgspec.json.encode(outgoing.event))
        return found, refused

    return run


@pytest.fixture
def mapping(tmp_path: Path) -> Callable[..., Wording]:
    def run(text: str, name: str = "my.toml", fields: Any = generic.FIELDS) -> Wording:
        path = tmp_path / name
        path.write_text(text)
        return read_mapping(path, fields)

    return run


def placed(outgoing: Outgoing) -> dict[str, Any]:
    data: dict[str, Any] = outgoing.event["data"]
    return data


def worth(outgoing: Outgoing) -> int:
    return sum(line["quantity"] * line["unit_price"] - line.get("discount", 0) for line in placed(outgoing)["lines"])


@pytest.mark.parametrize(
    ("pieces", "amount", "minor"),
    [(3, "10.00", 1000), (2, "5", 500), (-2, "-7.01", -701), (1, "-4.99", -499), (3, "0", 0), (-3, "0.00", 0), (7, "0.03", 3)],
)
def test_price_of_a_whole_line_is_kept_to_the_cent(read: Read, pieces: int, amount: str, minor: int) -> None:
    (order,), refused = read(GenericCsv(), f"{NEEDED},amount\n1,2024-01-01,A,{pieces},{amount}\n")
    assert (worth(order), order.minor, order.exact, refused) == (minor, minor, Decimal(amount), [])
    assert sum(abs(line["quantity"]) for line in placed(order)["lines"]) == abs(pieces)


def test_discount_of_a_line_is_taken_off_its_amount(read: Read) -> None:
    (order,), _ = read(GenericCsv(), f"{NEEDED},amount,discount\n1,2024-01-01,A,3,10.00,1.50\n")
    assert worth(order) == order.minor == 850


def test_unit_price_is_read_where_a_file_has_both_unless_the_amount_was_named(read: Read) -> None:
    text = f"{NEEDED},unit_price,amount\n1,2024-01-01,A,2,5.00,9.00\n"
    assert read(GenericCsv(), text)[0][0].minor == 1000
    assert read(GenericCsv(Wording({"amount": "amount"})), text)[0][0].minor == 900
    with pytest.raises(Unusable, match="unit_price and amount both say what a line is worth"):
        read(GenericCsv(Wording({"amount": "amount", "unit_price": "unit_price"})), text)


def test_costs_shipping_tax_and_currency_travel_along(read: Read) -> None:
    header = f"{NEEDED},unit_price,unit_cost,shipping,tax,currency,channel\n"
    text = f"{header}1,2024-01-01,A,2,5.00,1.234,4.90,1.60,eur,web\n1,2024-01-01,B,1,2.00,,9.90,,EUR,web\n"
    (order,), refused = read(GenericCsv(), text)
    about = placed(order)
    assert [line.get("unit_cost") for line in about["lines"]] == [123, None]
    assert (about["shipping"], about["tax"], about["channel"], order.minor, refused) == (490, 160, "web", 1200, [])


@pytest.mark.parametrize(
    ("column", "text", "reason"),
    [
        ("unit_cost", "-1", "bad_unit_cost"),
        ("shipping", "free", "bad_shipping"),
        ("tax", "-0.01", "bad_tax"),
        ("discount", "-1", "bad_discount"),
        ("currency", "USD", "currency_mismatch"),
    ],
)
def test_value_that_cannot_be_used_refuses_its_line_alone(read: Read, column: str, text: str, reason: str) -> None:
    orders, refused = read(GenericCsv(), f"{NEEDED},unit_price,{column}\n1,2024-01-01,A,1,1,{text}\n2,2024-01-01,A,1,1,\n")
    assert ([placed(order)["order_id"] for order in orders], refused) == (["2"], [(2, reason)])


@pytest.mark.parametrize(("pieces", "amount"), [(-1, "5.00"), (1, ""), (1, "x")])
def test_amount_that_contradicts_its_quantity_or_is_missing_is_refused(read: Read, pieces: int, amount: str) -> None:
    assert read(GenericCsv(), f"{NEEDED},amount\n1,2024-01-01,A,{pieces},{amount}\n") == ([], [(2, "bad_amount")])


@pytest.mark.parametrize(("text", "decimal", "pieces"), [("1.000", ",", 1000), ("6,0", ",", 6), ("1,000", ".", 1000), ("6.0", ".", 6)])
def test_quantity_is_read_with_the_file_s_decimal_mark(read: Read, text: str, decimal: str, pieces: int) -> None:
    (order,), _ = read(GenericCsv(Wording(decimal=decimal)), f"order_id;occurred_at;sku;quantity;unit_price\n1;2024-01-01;A;{text};1\n")
    assert placed(order)["lines"][0]["quantity"] == pieces


def test_mapping_file_says_how_a_file_is_written(read: Read, mapping: Callable[..., Wording]) -> None:
    text = "Beleg;Tag;Nr;Stk;Summe\n7;24.12.2023;A;2;1.234,50\n"
    (order,), refused = read(GenericCsv(mapping(GERMAN)), text)
    assert (order.minor, order.day.isoformat(), placed(order)["channel"], refused) == (123450, "2023-12-24", "pos", [])


def test_mapping_file_may_be_json(mapping: Callable[..., Wording]) -> None:
    import tomllib

    as_json = mapping(json.dumps(tomllib.loads(GERMAN)), "my.json")
    as_toml = mapping(GERMAN)
    assert (as_json.columns, as_json.values, as_json.decimal) == (as_toml.columns, as_toml.values, as_toml.decimal)


def test_value_for_all_lines_gives_way_to_what_a_line_says(read: Read, mapping: Callable[..., Wording]) -> None:
    said = mapping('[values]\ncountry = "DE"\nquantity = "1"\n')
    orders, _ = read(GenericCsv(said), "order_id,occurred_at,sku,unit_price,country\n1,2024-01-01,A,1,AT\n2,2024-01-01,A,1,\n")
    assert [placed(order)["country"] for order in orders] == ["AT", "DE"]


def test_everything_wrong_in_a_mapping_file_is_told_at_once_with_line_and_field(mapping: Callable[..., Wording]) -> None:
    columns, values = '[columns]\nordr_id = "Nr"\nsku = ""\nquantity = 5\n', '[values]\ncustomer_id = "guest"\nchannel = ["a"]\n'
    text = f'decimal = "x"\ncolour = 1\n{columns}{values}'
    with pytest.raises(Unusable) as caught:
        mapping(text)
    told = str(caught.value)
    assert "\n" not in told
    for said in (
        "line 1, decimal: must be '.' or ',', not \"x\"",
        "line 2, colour: there is no such setting",
        "line 4, columns.ordr_id: there is no such field, did you mean order_id?",
        'line 5, columns.sku: must be a text, not ""',
        "line 6, columns.quantity: must be a text, not 5",
        "line 8, values.customer_id: cannot be the same for all lines",
        'line 9, values.channel: must be a text, not ["a"]',
    ):
        assert said in told
    assert told.index("line 1,") < told.index("line 4,") < told.index("line 9,")


def test_everything_that_a_file_lacks_is_told_at_once_with_the_line_that_asks_for_it(read: Read, mapping: Callable[..., Wording]) -> None:
    said = mapping('[columns]\norder_id = "Beleg"\nsku = "Nr"\n')
    with pytest.raises(Unusable) as caught:
        read(GenericCsv(said), "Nummer,occurred_at,unit_price\n")
    told = str(caught.value)
    assert "no column 'Beleg' (" in told
    assert "my.toml line 2)" in told
    assert "my.toml line 3)" in told
    assert "no column for quantity: name it with --map quantity=COLUMN" in told
    assert "the file has Nummer, occurred_at, unit_price" in told


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("[columns\n", "my.toml", "not valid TOML: "),
        ('{"columns": {\n"sku" "x"}}', "my.json", "line 2, column 7: not valid JSON"),
        ("[1]", "my.json", "a mapping is an object"),
        ('columns = "x"', "my.toml", "line 1, columns: must hold one line per field"),
        ('date_format = "day"', "my.toml", "line 1, date_format: must be a pattern"),
        ('delimiter = ";;"', "my.toml", "line 1, delimiter: must be one character"),
    ],
)
def test_mapping_file_that_cannot_be_read_says_where(mapping: Callable[..., Wording], text: str, name: str, said: str) -> None:
    with pytest.raises(Unusable, match=said):
        mapping(text, name)


def test_command_line_wins_over_the_mapping_file(mapping: Callable[..., Wording]) -> None:
    said = with_options(mapping(GERMAN), generic.FIELDS, ["sku=Artikel"], ".", None)
    assert (said.columns["sku"], said.columns["order_id"], said.decimal, said.date_format) == ("Artikel", "Beleg", ".", "%d.%m.%Y")
    assert said.where("sku") == "--map sku=Artikel"
    with pytest.raises(Unusable, match=r"--map knows no column skuu: did you mean sku\?"):
        with_options(Wording(), generic.FIELDS, ["skuu=x"], None, None)


def test_stock_files_take_a_mapping_too(read: Read, mapping: Callable[..., Wording]) -> None:
    said = mapping('decimal = ","\n[columns]\nsku = "Nr"\n[values]\nreason = "receipt"\nlocation = "B"\n', fields=stock.FIELDS)
    found, refused = read(Stock(said), "Nr;quantity;date;unit cost\nA;2;2024-01-01;1,50\n")
    assert (found[0].event["data"], refused) == ({"sku": "A", "quantity": 2, "reason": "receipt", "location": "B", "unit_cost": 150}, [])
    other = mapping('decimal = ","\n[columns]\nsku = "Nr"\n[values]\nreason = "receipt"\nlocation = "C"\n', fields=stock.FIELDS)
    assert read(Stock(other), "Nr;quantity;date\nA;2;2024-01-01\n")[0][0].event["id"] != found[0].event["id"]


def test_ids_of_stock_movements_stay_what_they_were(read: Read) -> None:
    # An import of last year, done again, adds nothing.
    (movement,), _ = read(Stock(), "sku,quantity,reason,occurred_at\nA,5,receipt,2024-01-01\n")
    assert movement.event["id"] == "import:stock:13df0d1eca6695cfba784b17:1"


def test_a_line_that_was_struck_from_its_order_is_taken_as_the_api_takes_it(read: Read) -> None:
    day = "2026-01-01T10:00:00"
    orders, refused = read(GenericCsv(), f"{NEEDED},unit_price,discount\n1,{day},A,2,5.00,\n1,{day},B,0,3.333,\n1,{day},C,0,-1.00,0.50\n")
    lines = [(line["quantity"], line["unit_price"], line.get("discount", 0)) for line in orders[0].event["data"]["lines"]]
    assert (lines, orders[0].minor, refused) == ([(2, 500, 0), (0, 333, 0), (0, 100, 50)], 950, [])
    orders, refused = read(GenericCsv(), f"{NEEDED},amount\n1,{day},A,0,0\n1,{day},B,0,5.00\n")
    assert (len(orders[0].event["data"]["lines"]), refused) == (1, [(3, "bad_amount")])
