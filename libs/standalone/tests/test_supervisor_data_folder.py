"""The data folder: one supervisor at a time, secrets for their owner, a state that is true."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tillwise.problems import CannotStart, NotRunning
from tillwise.supervisor.options import DataFolder, check_port, free_port


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path / "data")
    folder.prepare()
    return folder


def test_only_one_supervisor_has_a_folder(data: DataFolder) -> None:
    with pytest.raises(CannotStart, match=r"tillwise runs on .* already: tillwise down --data-dir"):
        DataFolder(data.path).prepare()


def test_a_folder_is_free_when_its_supervisor_died(tmp_path: Path) -> None:
    dying = "import os, sys; from pathlib import Path; from tillwise.supervisor.options import DataFolder as D\n"
    dying += "d = D(Path(sys.argv[1])); d.prepare(); d.write_state({'url': 'x', 'supervisor': os.getppid(), 'processes': []})\n"
    dying += "os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", dying, str(tmp_path / "data")], check=False)
    left = DataFolder(tmp_path / "data")
    # Although a process has the number that it left.
    with pytest.raises(NotRunning, match="has died: start it again with tillwise up"):
        left.state()
    left.prepare()
    assert left.taken()


def test_nothing_runs_where_nothing_was_started(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match=r"no tillwise runs on .*: start it with tillwise up --data-dir"):
        DataFolder(tmp_path / "nowhere").state()
    assert not (tmp_path / "nowhere").exists(), "looking makes nothing"


def test_secrets_are_made_once_and_are_their_owners(data: DataFolder) -> None:
    key, password = data.admin_key(), data.admin_password()
    assert key.startswith("tw_admin_")
    assert len(key) == len("tw_admin_") + 43
    assert (data.admin_key(), data.admin_password()) == (key, password)
    assert DataFolder(data.path).admin_key() == key
    for path in (data.secret_path("admin_key"), data.secret_path("admin_password")):
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_secret_that_was_half_written_is_made_anew(data: DataFolder) -> None:
    data.secret_path("admin_key").touch()
    assert len(data.admin_key()) > 40


def test_a_reader_never_sees_half_a_state(data: DataFolder) -> None:
    data.write_state({"url": "http://one", "processes": []})
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            data.write_state({"url": "http://one", "supervisor": number, "processes": [{"pid": n} for n in range(number % 50)]})

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert all(data.state()["url"] == "http://one" for _ in range(500))
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("where", ["file", "/proc/tillwise"])
def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match=r"cannot write to .* choose another folder with --data-dir"):
        DataFolder(tmp_path / where).prepare()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_the_right_to_write_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(CannotStart, match=r"cannot write to .*Permission denied"):
            DataFolder(tmp_path / "data").prepare()
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("shared", [False, True])
def test_a_taken_port_is_found_even_if_it_is_shared(shared: bool) -> None:
    with socket.socket() as taken:
        if shared:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart, match=f"^port {port} on 127.0.0.1 is taken by another program: stop it or pass --port$"):
            check_port("127.0.0.1", port)
    check_port("127.0.0.1", port)


@pytest.mark.parametrize(("host", "port"), [("no.such.host.invalid", 8080), ("192.0.2.1", 8080)])
def test_an_address_that_is_not_ours_is_told(host: str, port: int) -> None:
    with pytest.raises(CannotStart, match=f"^cannot listen on port {port} of {host} .*: choose others with --host and --port$"):
        check_port(host, port)


def test_a_free_port_is_free() -> None:
    check_port("127.0.0.1", free_port("127.0.0.1"))
