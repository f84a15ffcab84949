"""What runs in the calculator's process. Imports what is heavy when it runs, so that the service itself does without."""

from __future__ import annotations

import zlib
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from tillwise_analytics.reports.ltv.terms import SEGMENTS, Asked, Model, Outlook, Refitted, Span, Told

if TYPE_CHECKING:
    from tillwise_analytics.reports.ltv.fitting import Fitted
    from tillwise_analytics.reports.ltv.predict import Predicted
    from tillwise_analytics.reports.ltv.summary import Customers


def get_ready() -> None:
    """Import what the functions below need."""
    from tillwise_analytics.reports.ltv import check, predict  # noqa: F401


def fit_and_tell(span: Span, check: Span | None, asked: Asked) -> Told:
    """Fit a store's models and answer from them. `check` is the shorter span whose model is tried on the rest; None: `span` itself."""
    from tillwise_analytics.reports.ltv import summary

    customers = summary.parse(span.copied)
    fitted, model = _fit(customers, span, check)
    return _tell(fitted, model, customers, asked)


def tell(model: Model, copied: bytes, asked: Asked) -> Told:
    """Answer from a model that was fitted before."""
    from tillwise_analytics.reports.ltv import summary

    return _tell(_revive(model), model, summary.parse(copied), asked)


def refit(span: Span, check: Span | None, outlook: Outlook) -> Refitted:
    """Fit a store's models and predict everything that the default question asks for."""
    from tillwise_analytics.reports.ltv import predict, summary

    customers = summary.parse(span.copied)
    fitted, model = _fit(customers, span, check)
    predicted = predict.predict(fitted, customers, span.until, outlook)
    everybody = customers.repeats >= 0
    groups = {level: predict.group(customers, predicted, everybody, level) for level in ("store", "cohort", "segment")}
    return Refitted(model, groups, _as_copied(customers, predicted))


def _fit(customers: Customers, span: Span, check: Span | None) -> tuple[Fitted, Model]:
    from tillwise_analytics.reports.ltv import fitting

    fitted = fitting.fit(customers, span.until)
    model = Model(
        fit_until=span.until,
        first_day=int(customers.first.min()) if len(customers.first) else None,
        customers=fitted.customers,
        returning=fitted.returning,
        repeats=fitted.repeats,
        mean_spend=fitted.mean_spend,
        purchases=None if fitted.purchases is None else astuple(fitted.purchases),
        spend=None if fitted.spend is None else astuple(fitted.spend),
        warnings=fitted.warnings,
        **_checked(fitted, customers, span, check),
    )
    return fitted, model


def _checked(fitted: Fitted, customers: Customers, span: Span, check: Span | None) -> dict[str, Any]:
    from tillwise_analytics.reports.ltv import fitting, summary
    from tillwise_analytics.reports.ltv.check import hold_out, track

    if check is not None:
        customers, span = summary.parse(check.copied), check
        fitted = fitting.fit(customers, span.until)
    if fitted.purchases is None or span.later <= span.until:
        return {}
    return {
        "holdout": hold_out(fitted.purchases, customers, span.until, span.later)._asdict(),
        "weeks": track(fitted.purchases, customers.first, span.repeats, span.later),
    }


def _revive(model: Model) -> Fitted:
    from tillwise_analytics.reports.ltv.bgnbd import Purchases
    from tillwise_analytics.reports.ltv.fitting import Fitted
    from tillwise_analytics.reports.ltv.gamma_gamma import Spend

    purchases = None if model.purchases is None else Purchases(*model.purchases)
    spend = None if model.spend is None else Spend(*model.spend)
    return Fitted(purchases, spend, model.customers, model.returning, model.repeats, model.mean_spend, model.warnings)


def _tell(fitted: Fitted, model: Model, customers: Customers, asked: Asked) -> Told:
    from tillwise_analytics.reports.ltv import predict

    predicted = predict.predict(fitted, customers, model.fit_until, asked.outlook)
    chosen = customers.repeats >= 0
    if asked.first_from is not None:
        chosen &= customers.first >= asked.first_from
    if asked.first_to is not None:
        chosen &= customers.first <= asked.first_to
    if asked.level == "customer":
        found = predict.best(customers, predicted, chosen, asked.sort, asked.limit)
        return Told(model, predict.group(customers, predicted, chosen, "store"), found, int(chosen.sum()))
    # Without a forecast there are no segments, but customers there are.
    level = "store" if asked.level == "segment" and predicted is None else asked.level
    return Told(model, predict.group(customers, predicted, chosen, level), [], int(chosen.sum()))


def _as_copied(customers: Customers, predicted: Predicted | None) -> bytes:
    """Customers as COPY reads them: what is known, what is foretold, the id. Packed (zlib), for the sake of who stores it."""
    known = [v.tolist() for v in customers[1:7]]
    nothing = ["\\N"] * len(customers.ids)
    foretold: list[list[Any]] = [nothing] * 6
    if predicted is not None:
        figures = [[f"{one:.10g}" for one in v.tolist()] for v in predicted[:5]]
        foretold = [*figures, [SEGMENTS[place] for place in predicted.segment.tolist()]]
    packer, parts = zlib.compressobj(1), []
    for line, name in zip(zip(*known, *foretold, strict=True), customers.ids, strict=True):
        parts.append(packer.compress("\t".join(map(str, line)).encode() + b"\t" + name + b"\n"))
    return b"".join([*parts, packer.flush()])
