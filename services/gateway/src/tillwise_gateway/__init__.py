"""The only door of Tillwise: HTTP API, authentication, pages."""
