"""`python -m tillwise.embedded.launch [--as-nobody] [--death-signal N] -- COMMAND…`: a server that ends with us.

PostgreSQL refuses to run as root. Instead of a second user on the machine, who would need rights on our folders,
the server gets a user namespace in which root appears as `nobody`: its files stay root's, nothing is chowned.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
NO_NAMESPACE = (
    "PostgreSQL does not run as root, and this machine allows no user namespaces: "
    "start tillwise as an ordinary user, or set DATABASE_URL to a server of yours"
)


def appear_as_nobody() -> None:
    """Enter a user namespace in which this process is not root. Raises OSError when that is forbidden."""
    nobody = pwd.getpwnam("nobody")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{nobody.pw_uid} 0 1")
    Path("/proc/self/gid_map").write_text(f"{nobody.pw_gid} 0 1")


def end_with_parent(number: int) -> None:
    """Ask the kernel to send us this signal when our parent dies, however it dies (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


def launched(command: list[str], *, death_signal: int, as_nobody: bool = False) -> list[str]:
    """The command line that runs `command` so that it gets `death_signal` when we die."""
    options = ["--as-nobody"] if as_nobody else []
    return [sys.executable, "-m", "tillwise.embedded.launch", *options, "--death-signal", str(int(death_signal)), "--", *command]


def main(arguments: list[str]) -> None:
    split = arguments.index("--")
    options, command = arguments[:split], arguments[split + 1 :]
    if "--as-nobody" in options:
        try:
            appear_as_nobody()
        except (OSError, KeyError):
            sys.exit(NO_NAMESPACE)
    if "--death-signal" in options:
        end_with_parent(int(options[options.index("--death-signal") + 1]))
    os.execv(command[0], command)  # noqa: S606 - the command is ours, and no shell is involved


if __name__ == "__main__":
    main(sys.argv[1:])
