"""A report's answer, or any tables, as files: CSV, XLSX, PDF, SVG, PNG. Knows no report by name.

CSV needs nothing else; the others need the extra `render` of this package.
"""
