"""Where files are, as the settings say."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tillwise_common.files.folder import Folder
from tillwise_common.files.record import Files


def place(setting: str) -> Files:
    """The place of a setting: a folder, or an address such as s3://BUCKET (needs the extra `bucket`)."""
    if "://" in setting:
        from tillwise_common.files.bucket import bucket

        return bucket(setting)
    return Folder(Path(setting) if setting else Path(tempfile.gettempdir()) / "tillwise-files")
