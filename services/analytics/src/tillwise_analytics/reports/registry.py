"""All reports. A new one is a folder and a line here."""

from __future__ import annotations

from tillwise_analytics.reports.inventory.report import REPORT as INVENTORY
from tillwise_analytics.reports.products.report import REPORT as PRODUCTS
from tillwise_analytics.reports.reorder.report import REPORT as REORDER
from tillwise_analytics.reports.report import Report
from tillwise_analytics.reports.trend.report import REPORT as TREND

REPORTS: dict[str, Report] = {report.name: report for report in (TREND, PRODUCTS, INVENTORY, REORDER)}
