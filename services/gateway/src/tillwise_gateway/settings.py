"""What the gateway needs to know beyond the common settings."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from tillwise_common.ingest.settings import IngestSettings
from tillwise_common.settings import Count, Port, Seconds, Secret, Settings


class GatewaySettings(IngestSettings, frozen=True, kw_only=True):
    """Settings of the serving process."""

    # Where clients reach the gateway; HOST is where the probes listen.
    public_host: str = ""
    port: Port = 8080
    reuse_port: bool = False
    max_body_bytes: Annotated[int, Meta(ge=1024, le=256 * 1024 * 1024)] = 8 * 1024 * 1024
    # The largest file that can be uploaded for an import.
    max_import_megabytes: Count = 2048
    report_timeout_seconds: Seconds = 15.0
    # Where the chart library for browsers is kept once it is made; default: the user's cache folder.
    asset_dir: str = ""
    # Where files of exports and imports are: a folder that the workers share, or s3://BUCKET.
    files_place: str = ""
    # true: the queue dashboard shows everything and changes nothing.
    queues_read_only: bool = False
    session_hours: Annotated[int, Meta(ge=1, le=24 * 365)] = 24 * 14


class BootstrapSettings(Settings, frozen=True, kw_only=True):
    """Settings of `bootstrap`, which makes sure that somebody can get in."""

    admin_key: Secret
    admin_email: str
    admin_password: Secret
