"""`python -m tillwise_gateway bootstrap`: the platform's first admin."""

from __future__ import annotations

from tillwise_common.lifecycle import StartError
from tillwise_common.postgres.pool import Postgres
from tillwise_gateway.accounts import tokens
from tillwise_gateway.accounts.accounts import Accounts
from tillwise_gateway.settings import BootstrapSettings


async def run(settings: BootstrapSettings) -> None:
    """Make sure that the admin key and the admin login of the environment work."""
    key = tokens.parse_key(settings.admin_key.reveal())
    if key is None or len(key.secret) < 32:
        raise StartError("ADMIN_KEY must look like tw_<name>_<at least 32 random characters>")
    if len(settings.admin_password.reveal()) < 8:
        raise StartError("ADMIN_PASSWORD must have at least 8 characters")
    postgres = Postgres(settings.database_url, "tillwise-gateway-bootstrap", size=1)
    await postgres.start()
    try:
        await Accounts(postgres, session_hours=1).put_admin(settings.admin_email, settings.admin_password.reveal(), key)
    finally:
        await postgres.close()
