"""What the figures mean, in words."""

from __future__ import annotations

from tillwise_analytics.reports.products.params import ProductsParams


def notes(params: ProductsParams, found: int, *, uncosted: bool, weeks: int) -> list[str]:
    """The definitions behind an answer."""
    a, b = (f"{end:.0%}" for end in params.abc_ends())
    x, y = params.xyz_ends()
    said = [] if found else ["No product was sold in this period."]
    if found > params.limit:
        said.append(f"{params.limit} of {found} products are listed; totals are over all. limit shows more.")
    said += [
        f"ABC: products by falling sales; A until {a} of sales lie before a product, B until {b}, then C. The one that crosses a line "
        "is still in.",
        "XYZ: the variation is the standard deviation of units ordered per week divided by their mean, over the whole weeks of the period "
        f"({weeks} at most) since the product first sold; X up to {x:g}, Y up to {y:g}, Z above. Below two weeks it is not known.",
        "Margin is net sales less cost of goods. Refund rate is refunds and returns over net sales before them.",
        "Refunds of money without lines belong to no product.",
    ]
    if uncosted:
        said.append("Nobody stated the cost of some lines: they are left out of cost and margin.")
    return said
