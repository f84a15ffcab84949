"""Where sockets lie: in the data folder, or in a short place when its path is too long for a socket."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

# A socket's path may have 107 bytes; PostgreSQL adds "/.s.PGSQL.5432.lock".
LONGEST = 80


def socket_folder(folder: Path) -> Path:
    """A folder for the sockets of the server whose files lie in `folder`."""
    own = folder.parent / "sockets"
    if len(os.fsencode(own)) <= LONGEST:
        return own
    digest = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"tillwise-{os.geteuid()}-{digest}"
