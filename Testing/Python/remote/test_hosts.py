"""The list of hosts: what goes in comes out, and nothing in it becomes an option or a command."""

import json
import subprocess

import pytest

from CTCounterfactualLib.app.cli import main
from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.remote.hosts import (
    FILE_VARIABLE,
    Host,
    add_host,
    find_host,
    read_hosts,
    remove_host,
)
from CTCounterfactualLib.remote.ssh import PROGRAM_VARIABLE, quoted, ssh_command


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A list of the test's own."""
    path = tmp_path / "configuration" / "hosts.json"
    monkeypatch.setenv(FILE_VARIABLE, str(path))
    return path


def test_hosts_are_kept_replaced_and_removed(place):
    first = Host("gpu", "ada@gpu.lab", ("~/venv/bin/python", "-m", "X"), "/scratch")
    add_host(first)
    add_host(Host("box", "box"))
    with pytest.raises(SettingsError, match=r"already \(ada@gpu.lab\)"):
        add_host(Host("gpu", "other"))
    assert read_hosts() == {"gpu": first, "box": Host("box", "box")}
    add_host(Host("gpu", "other"), replace=True)
    assert find_host("gpu").destination == "other"
    remove_host("gpu")
    assert list(read_hosts()) == ["box"]
    with pytest.raises(SettingsError, match="no host 'gpu'"):
        remove_host("gpu")
    assert [path.name for path in place.parent.iterdir()] == ["hosts.json"]


def test_what_is_not_in_the_list_is_a_destination_of_sshs():
    assert find_host("ada@gpu.lab") == Host("ada@gpu.lab", "ada@gpu.lab")
    assert find_host("ssh://ada@[::1]:22").destination == "ssh://ada@[::1]:22"


@pytest.mark.parametrize(
    "destination",
    [
        "-oProxyCommand=touch x",
        "ada@-oProxyCommand=x",
        "-ada@host",
        "ssh://-x",
        "",
        "a b",
        "a;b",
        "$(x)",
        "a\nb",
        "`x`",
        "x'y",
        "ü",
    ],
)
def test_no_destination_is_an_option_or_a_command(destination):
    with pytest.raises(SettingsError, match="what you would type behind ssh"):
        Host("name", destination)
    with pytest.raises(SettingsError):
        find_host(destination)


@pytest.mark.parametrize("name", ["", "-x", "a/b", "..", "a\nb", "x" * 65])
def test_a_name_is_a_plain_word(name):
    with pytest.raises(SettingsError):
        Host(name, "host")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "no valid JSON"),
        ("[]", "an object in braces"),
        ('{"schema": 2, "hosts": []}', '"schema": 1'),
        ('{"schema": 1, "hosts": {}}', 'list of "hosts"'),
        ('{"schema": 1, "hosts": [], "x": 1}', "no field 'x'"),
        ('{"schema": 1, "hosts": [{"name": "a"}]}', "host 1: the key 'destination' is missing"),
        ('{"schema": 1, "hosts": [{"name": "a", "destination": "-x"}]}', "host 1: The destination"),
        ('{"schema": 1, "hosts": [{"name": "a", "destination": "b", "command": "c"}]}', "of texts"),
        (
            '{"schema": 1, "hosts": [{"name": "a", "destination": "b"}, {"name": "a", '
            '"destination": "c"}]}',
            "two hosts of the same name",
        ),
    ],
)
def test_a_damaged_list_is_named(place, content, said):
    place.parent.mkdir()
    place.write_text(content)
    with pytest.raises(SettingsError) as caught:
        read_hosts()
    assert said in str(caught.value)
    assert str(place) in str(caught.value)


def test_every_word_reaches_a_shell_as_it_is():
    """ssh gives one text to the login shell there; none of these words may mean anything to it."""
    words = ["$HOME", "a b", "`id`", "$(id)", "x;y", "'", '"', "*", "~root", "", "ü", "a\\b", "-n"]
    line = "printf '%s\\0' " + " ".join(quoted(word) for word in words)
    printed = subprocess.run(["sh", "-c", line], capture_output=True, check=True).stdout
    assert printed.decode().split("\0")[:-1] == words
    home = subprocess.run(
        ["sh", "-c", f"printf %s {quoted('~/a b')}"], capture_output=True, check=True
    )
    assert home.stdout.decode().endswith("/a b") and not home.stdout.startswith(b"~")


def test_ssh_asks_nothing_and_takes_the_destination_as_one(monkeypatch):
    monkeypatch.setenv(PROGRAM_VARIABLE, "ssh -F 'my config'")
    command = ssh_command(Host("a", "ada@b", ("x y",)), ["--folder", "$HOME"])
    assert command[:3] == ["ssh", "-F", "my config"]
    assert command[-3:] == ["--", "ada@b", "'x y' --folder '$HOME'"]
    assert "BatchMode=yes" in command


def test_the_verb_hosts(place, capsys):
    words = ["hosts", "add", "gpu", "ada@gpu", "--command", "~/my\\ venv/python -m X", "--folder"]
    assert main([*words, "/s"]) == 0
    assert json.loads(place.read_text())["hosts"] == [
        {
            "name": "gpu",
            "destination": "ada@gpu",
            "command": ["~/my venv/python", "-m", "X"],
            "folder": "/s",
        }
    ]
    assert main([*words, "/s"]) == 2
    assert "replace it by --force" in capsys.readouterr().err
    assert main(["hosts", "list"]) == 0
    assert "ada@gpu, command '~/my venv/python' -m X, folder /s" in capsys.readouterr().out
    assert main(["hosts", "remove", "gpu"]) == 0
    capsys.readouterr()
    assert main(["hosts", "list"]) == 0
    assert "No hosts in" in capsys.readouterr().out
