"""The analytics schema, one numbered file a step."""

from __future__ import annotations

from tillwise_common.postgres.migrate import migrate
from tillwise_common.settings import Settings

SCHEMA = "analytics"


async def run(settings: Settings) -> None:
    """Bring the analytics schema up to date."""
    await migrate(settings.database_url, __name__, SCHEMA)
