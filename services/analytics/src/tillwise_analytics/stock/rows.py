"""The rows of the stock tables: collected product by product, written for many at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import astuple

from tillwise_analytics.stock import state as states
from tillwise_analytics.stock.engine import Replay
from tillwise_analytics.stock.state import Layer, Place, State, Tally
from tillwise_common.postgres.sql import load

SQL = load("tillwise_analytics.stock", "stock.sql")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIELDS = Tally.__struct_fields__
# The first fields are a place's, the next ones the product's alone, the last ones tell moments.
_PLACE, _PRODUCT = _FIELDS.index("in_transit"), _FIELDS.index("since")
# The tables and their columns, without the store. `rebuild` compares them.
TABLES = {
    "stock_states": ("sku", "last_at", "movements", "costs", "first_cost", "state"),
    "stock_skus": ("sku", *_FIELDS[1:]),
    "stock_levels": ("sku", "location", *_FIELDS[1:_PLACE], *_FIELDS[_PRODUCT:]),
    "stock_layers": ("sku", "in_transit", "location", "received", "serials", "quantities", "unit_costs"),
    "stock_outs": ("sku", "since_at", "until_at"),
    "stock_days": ("sku", *_FIELDS[:_PRODUCT]),
    "stock_place_days": ("sku", "location", *_FIELDS[:_PLACE]),
    "stock_weeks": ("sku", "week", *_FIELDS[1:_PRODUCT]),
}

# What a column holds at most; the true figures are in the state.
_LARGEST = 2**63 - 1
_AMOUNTS = [_FIELDS.index(name) for name in ("value", "cost", "average_value")]
_TIMES = [_FIELDS.index(name) for name in ("on_hand_time", "value_time")]

Row = tuple[Any, ...]


class Rows:
    """What is to be written for some products of a store."""

    def __init__(self, store_id: int) -> None:
        self._store = store_id
        self._products: list[str] = []
        self._states: list[Row] = []
        self._rows: dict[str, list[Row]] = {table: [] for table in TABLES if table != "stock_states"}
        # What is told anew, and from when on.
        self._stale_outs: list[Row] = []
        self._stale_days: list[Row] = []
        self._stale_place_days: list[Row] = []
        self._replayed: list[str] = []

    def add(self, sku: str, replay: Replay, *, continued: bool) -> None:
        """A product after its replay; `continued`: what was told before still holds."""
        state = replay.state
        self._products.append(sku)
        self._replayed += [] if continued else [sku]
        self._states.append((sku, moment(state.total.at), state.movements, states.encode(state).decode()))
        self._add("stock_skus", *of_product(sku, state))
        for location, place in state.places.items():
            self._add("stock_levels", *of_place(sku, location, place))
            self._add_layers(sku, False, location, place.layers)
        self._add_layers(sku, True, "", state.transit)
        for week, figures in replay.weeks:
            self._add("stock_weeks", sku, week, *_told(figures)[1:_PRODUCT])
        self._add_outs(sku, replay, continued=continued)
        self._add_days(sku, replay, continued=continued)

    async def write(self, connection: Any) -> None:
        """Put them in the place of what was there."""
        if not self._products:
            return
        await connection.execute(SQL.put_states, self._store, *_arrays(self._states, 4))
        for statement in (SQL.clear_skus, SQL.clear_levels, SQL.clear_layers):
            await connection.execute(statement, self._store, self._products)
        await connection.execute(SQL.clear_weeks, self._store, self._replayed)
        await connection.execute(SQL.clear_outs, self._store, *_arrays(self._stale_outs, 2))
        await connection.execute(SQL.clear_days, self._store, *_arrays(self._stale_days, 2))
        await connection.execute(SQL.clear_place_days, self._store, *_arrays(self._stale_place_days, 3))
        for table, rows in self._rows.items():
            if rows:
                await connection.copy_records_to_table(table, records=rows, columns=("store_id", *TABLES[table]))

    def _add(self, table: str, *figures: Any) -> None:
        self._rows[table].append((self._store, *figures))

    def _add_layers(self, sku: str, in_transit: bool, location: str, layers: list[Layer]) -> None:
        if layers:
            self._add("stock_layers", sku, in_transit, location, *columns_of(layers))

    def _add_outs(self, sku: str, replay: Replay, *, continued: bool) -> None:
        if not continued:
            self._stale_outs.append((sku, None))
        elif replay.outs:
            self._stale_outs.append((sku, moment(replay.outs[0].since)))
        for out in replay.outs:
            self._add("stock_outs", sku, moment(out.since), _moment(out.until))

    def _add_days(self, sku: str, replay: Replay, *, continued: bool) -> None:
        if not continued:
            self._stale_days.append((sku, None))
            self._stale_place_days.append((sku, None, None))
        told: set[str | None] = set()
        for location, figures in replay.days:
            day = figures[0]
            if continued and location not in told:
                told.add(location)
                self._stale_days += [(sku, day)] if location is None else []
                self._stale_place_days += [(sku, location, day)] if location is not None else []
            if location is None:
                self._add("stock_days", sku, *_told(figures)[:_PRODUCT])
            else:
                self._add("stock_place_days", sku, location, *_told(figures)[:_PLACE])


def of_product(sku: str, state: State) -> Row:
    """A row of stock_skus."""
    return (sku, *_told(astuple(state.total))[1:_PRODUCT], *_moments(state.total))


def of_place(sku: str, location: str, place: Place) -> Row:
    """A row of stock_levels."""
    return (sku, location, *_told(astuple(place.tally))[1:_PLACE], *_moments(place.tally))


def columns_of(layers: list[Layer]) -> Row:
    """Layers as stock_layers keeps them: when, as which delivery, how many units, at what cost."""
    return (
        [one.at for one in layers],
        [one.serial for one in layers],
        [one.quantity for one in layers],
        [one.cost for one in layers],
    )


def moment(at: int) -> datetime:
    """An instant in microseconds as the database takes it."""
    return EPOCH + timedelta(microseconds=at)


def _moment(at: int | None) -> datetime | None:
    return None if at is None else moment(at)


def _told(figures: Row) -> list[Any]:
    """The fields of a Tally as the database takes them."""
    told = list(figures)
    told[1] = moment(told[1])
    for place in _TIMES:
        told[place] //= 1_000_000
    for place in (*_TIMES, *_AMOUNTS):
        if told[place] > _LARGEST:
            told[place] = _LARGEST
    return told


def _moments(tally: Tally) -> Row:
    return tuple(_moment(getattr(tally, name)) for name in _FIELDS[_PRODUCT:])


def _arrays(rows: list[Row], width: int) -> list[list[Any]]:
    return [[row[column] for row in rows] for column in range(width)]
