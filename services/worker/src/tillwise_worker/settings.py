"""What the worker needs to know beyond the common settings."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from tillwise_common.ingest.settings import IngestSettings
from tillwise_common.settings import Count, Port, Secret
from tillwise_worker.deliveries.mail import Encryption


class WorkerSettings(IngestSettings, frozen=True, kw_only=True):
    """Settings of the serving process."""

    jobs_at_once: Count = 10
    # Hour of the day (UTC) at which the rollups of all stores are compared with their facts.
    audit_hour: Annotated[int, Meta(ge=0, le=23)] = 3
    # Hour of the day (UTC) at which the models of lifetime value are fitted anew.
    refit_hour: Annotated[int, Meta(ge=0, le=23)] = 2
    # Where files of exports and imports are: a folder that the gateways share, or s3://BUCKET.
    files_place: str = ""
    # How long a finished export can be fetched.
    export_days: Annotated[int, Meta(ge=1, le=365)] = 7
    # Exports that one worker makes at once.
    exports_at_once: Count = 2
    # Where reports that come by e-mail are handed in, and whom they are from. TLS is "tls" (port 465), "starttls" (587) or "none".
    smtp_host: str = ""
    smtp_port: Port = 587
    smtp_user: str = ""
    smtp_password: Secret = Secret("")
    smtp_from: str = ""
    smtp_encryption: Encryption = "starttls"
    # Whether webhooks may lie inside of one's own network.
    webhook_private_addresses: bool = False
    # Imports that one worker does at once.
    imports_at_once: Count = 2
    # How long the lines that an import rejected can be fetched.
    import_days: Annotated[int, Meta(ge=1, le=365)] = 7
