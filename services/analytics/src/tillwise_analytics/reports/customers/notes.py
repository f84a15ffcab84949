"""What the figures mean, in words."""

from __future__ import annotations

from tillwise_analytics.reports.customers.fetch import Known
from tillwise_analytics.reports.customers.maths import Limits
from tillwise_analytics.reports.customers.params import Settled

# Fifths of fewer say little.
FEW = 25
# A store that sells at all has sold within this time.
QUIET_DAYS = 60


def nobody(asked: Settled, *, anything: bool) -> list[str]:
    """Why there is nothing to tell."""
    if not anything:
        return ["This store has no data yet."]
    return [
        f"No customer had an order until {asked.as_of}. Only orders with a customer_id that were not cancelled count (gross: also those)."
    ]


def notes(asked: Settled, known: Known, chosen: int, *, costed: bool) -> list[str]:
    """The definitions behind an answer; `chosen` is how many customers the filters leave."""
    return [
        *([] if chosen else ["No customer's first order matches these filters."]),
        *_cautions(asked, known),
        *_scores(known.limits),
        "A segment is a pair of scores of recency and frequency: the chart of the two shows which.",
        f"Sales and orders are all until {asked.as_of}, less refunds until then (net); an order that was fully refunded is still an order, "
        "and a cancelled one is none in net. Orders without a customer_id belong to nobody here.",
        _margin(costed),
        *_about_level(asked),
    ]


def _margin(costed: bool) -> str:
    if not costed:
        return "Nobody stated the cost of anything: margins are not known."
    return "Margin is net sales less cost of goods, of the sales whose cost is known."


def _cautions(asked: Settled, known: Known) -> list[str]:
    said, last_order = [], known.last_order
    if known.customers < FEW:
        said.append(f"There are only {known.customers} customers: fifths of fewer than {FEW} say little about anybody.")
    if (quiet := (asked.as_of - last_order).days) > QUIET_DAYS:
        said.append(
            f"The last order is {quiet} days old ({last_order}). Recency compares the customers with each other, so the best are still "
            f"called champions; as_of={last_order} counts the days from there."
        )
    return said


def _scores(limits: Limits) -> list[str]:
    days = ", ".join(str(day) for day in reversed(limits.recency))
    orders = ", ".join(f"{count}" for count in reversed(limits.frequency))
    return [
        f"Recency 5 is the fifth of all customers who ordered last, 4 the next fifth, and so on (last order from {days} on); who ordered "
        "on the same day has the same score, the better one.",
        "Frequency 1 is who ordered once; those who ordered more often are split into quarters, 2 to 5 (5, 4, 3 and 2 from "
        f"{orders} orders on); who ordered as often as another has the same score, the lower one.",
        "The monetary score is by fifths of sales, 5 for most; equal sales have the same score, the better one. It makes no segment.",
    ]


def _about_level(asked: Settled) -> list[str]:
    said = []
    if asked.since is not None:
        said.append(
            f"Where customers were is what their orders until {asked.since} say, among the customers there were then; not_yet are those "
            "who had not ordered yet. Sales are those until as_of: what is at stake."
        )
    if asked.params.filtered:
        said.append("Filters choose customers by their first order; scores and their limits are among all customers of the store.")
    return [
        *said,
        "Concentration: the best tenth by sales (rounded up) and its share of all sales above zero; who brought less than nothing counts "
        "as 0. Gini's coefficient is 0 when all spend the same and nears 1 when one spends everything.",
    ]
