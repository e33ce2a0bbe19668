"""A real ssh server on this computer for the tests alone, with keys of its own."""

import os
import shlex
import shutil
import socket
import subprocess
import sys
import textwrap
from pathlib import Path
from time import monotonic, sleep

import pytest

import CTCounterfactualLib
from CTCounterfactualLib.remote.hosts import FILE_VARIABLE, Host
from CTCounterfactualLib.remote.ssh import PROGRAM_VARIABLE

LIBRARY = Path(CTCounterfactualLib.__file__).parent
# For what hangs; a busy machine must never reach it.
TIMEOUT_S = 300
SERVER = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """Return the folder of a running server: `config` is for `ssh -F`, its host is `lab`."""
    if SERVER is None or shutil.which("ssh") is None or shutil.which("ssh-keygen") is None:
        pytest.skip("OpenSSH's server or client is not installed here")
    folder = tmp_path_factory.mktemp("ssh")
    for name in ("host", "user", "stranger"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True
        )
    (folder / "authorized").write_text((folder / "user.pub").read_text())
    (folder / "authorized").chmod(0o600)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    key = " ".join((folder / "host.pub").read_text().split()[:2])
    (folder / "known").write_text(f"[127.0.0.1]:{port} {key}\n")
    (folder / "nobody").write_text("")
    other = " ".join((folder / "stranger.pub").read_text().split()[:2])
    (folder / "changed").write_text(f"[127.0.0.1]:{port} {other}\n")
    (folder / "server").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\n"
        f"AuthorizedKeysFile {folder}/authorized\nStrictModes no\nUsePAM no\n"
        f"PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
    )
    (folder / "config").write_text(_client(folder, port))
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where root's server shuts itself in
    running = subprocess.Popen(
        [SERVER, "-D", "-e", "-f", str(folder / "server")], stderr=subprocess.PIPE
    )
    try:
        _until_it_answers(running, port)
        yield folder
    finally:
        running.kill()
        running.communicate()


def _client(folder: Path, port: int) -> str:
    common = f"HostName 127.0.0.1\nPort {port}\nIdentitiesOnly yes\nStrictHostKeyChecking yes\n"
    hosts = {
        "lab": ("user", "known"),
        "unknown": ("user", "nobody"),
        "changed": ("user", "changed"),
        "closed": ("stranger", "known"),
    }
    text = "".join(
        f"Host {name}\n{common}IdentityFile {folder}/{key}\nUserKnownHostsFile {folder}/{known}\n"
        for name, (key, known) in hosts.items()
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = free.getsockname()[1]
    return f"{text}Host asleep\nHostName 127.0.0.1\nPort {nobody}\n"


def _until_it_answers(running: subprocess.Popen, port: int) -> None:
    end = monotonic() + TIMEOUT_S
    while True:
        assert running.poll() is None, running.stderr.read().decode()
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as there:
                if there.recv(4) == b"SSH-":
                    return
        except OSError:
            assert monotonic() < end, "the ssh server doesn't answer"
        sleep(0.02)


@pytest.fixture
def ours(server, tmp_path, monkeypatch):
    """Let this program use the server's ssh configuration, and a list of hosts of its own."""
    monkeypatch.setenv(PROGRAM_VARIABLE, f"ssh -F {shlex.quote(str(server / 'config'))}")
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "hosts.json"))
    return server


@pytest.fixture
def there(tmp_path):
    """The folder where the host keeps its temporary files."""
    folder = tmp_path / "there"
    folder.mkdir()
    return folder


@pytest.fixture
def host(ours, there):
    """The real program as the host has it."""
    command = ("env", "OMP_NUM_THREADS=1", sys.executable, str(LIBRARY))
    return Host("lab", "lab", command, str(there))


@pytest.fixture
def host_of(ours, there, tmp_path):
    """Return a function: a script -> a host whose program it is; by Python, or what `run` says."""

    def make(code: str, *run: str) -> Host:
        script = tmp_path / "program"
        script.write_text(textwrap.dedent(code))
        path = f"PYTHONPATH={LIBRARY.parent}"
        words = run or ("env", path, sys.executable)
        return Host("lab", "lab", (*words, str(script)), str(there))

    return make
