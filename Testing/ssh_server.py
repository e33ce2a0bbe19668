"""A real ssh server on this computer for tests alone, with keys of its own."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

# For what hangs; a busy machine must never reach it.
TIMEOUT_S = 300
SERVER = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
CAN_RUN = all((SERVER, shutil.which("ssh"), shutil.which("ssh-keygen")))
LACKING = "OpenSSH's server or client is not installed here"


@contextmanager
def running_server(folder: Path) -> Iterator[Path]:
    """Run a server; yield the configuration for `ssh -F`, in which it is the host `lab`.

    `closed` refuses the login, `unknown` and `changed` have a host key that isn't the known one, at
    `asleep` nobody listens.
    """
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
        yield folder / "config"
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
