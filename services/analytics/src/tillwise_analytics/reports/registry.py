"""All reports, in the order of the menu. A new one is a folder and a line here."""

from __future__ import annotations

from tillwise_analytics.reports.customers.report import REPORT as CUSTOMERS
from tillwise_analytics.reports.ltv.report import REPORT as LTV
from tillwise_analytics.reports.products.report import REPORT as PRODUCTS
from tillwise_analytics.reports.report import Report
from tillwise_analytics.reports.trend.report import REPORT as TREND

_ALL = (
    TREND,
    LTV,
    CUSTOMERS,
    PRODUCTS,
)
REPORTS: dict[str, Report] = {report.name: report for report in _ALL}
