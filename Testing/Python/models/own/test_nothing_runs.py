"""Nothing in a hostile file runs or reaches out before consent: under each suffix, by each way in.

The files are real: the last test shows that each does its harm where it is opened as it shouldn't.
All commands run in one process that watches files, sockets, processes and imports.
"""

import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from CTCounterfactualLib.models.entry import RESOURCES
from CTCounterfactualLib.models.store.cache import FOLDER_VARIABLE

ROOT = Path(__file__).resolve().parents[4]
sys.path.insert(0, str(ROOT / "Testing"))
from hostile import PAYLOADS, SUFFIXES  # noqa: E402

MERLIN = "i3_resnet_best_clip_04-02-2024_23-21-36_epoch_99.pt"
OUTPUT = {"kind": "score"}
CLASSIFIER = {
    "schema": 1,
    "kind": "classifier",
    "name": "h",
    "output": OUTPUT,
    "targets": [{"name": "t"}],
}
AUTOENCODER = {"schema": 1, "kind": "autoencoder", "name": "h", "factor": 2}
UNET = {"spatial_dims": 3, "in_channels": 1, "out_channels": 1, "channels": [4, 8], "strides": [2]}
# Of these the first two read archives as PyTorch writes them; the others get two suffixes only.
PROGRAMS = ("torchscript", "torch.export", "onnx", "monai-bundle", "python")
HOSTILE_PYTHON = "open({!r}, 'w')\nimport canary_module\n"


class Folder:
    """Hostile files and the commands that try each way in."""

    def __init__(self, path: Path):
        self.path, self.commands = path, []
        self.allowed = path / "allowed"
        self.canaries = path / "canaries"
        for folder in (self.allowed, self.canaries):
            folder.mkdir()

    def canary(self, name: str) -> Path:
        return self.canaries / name.replace("/", "-")

    def card(self, name: str, content: dict) -> str:
        path = self.path / f"{name}.json"
        path.write_text(json.dumps(content))
        return str(path)

    def own(self, name: str, source: dict, card=CLASSIFIER) -> str:
        return self.card(name, {**card, "source": source})


def weights(folder: Folder) -> None:
    """Each payload under each suffix, wherever weights or a checkpoint are read."""
    embedded = {
        name: json.loads((RESOURCES / f"{name}.json").read_text())
        for name in ("ct-vqgan-small", "effusion-demo")
    }
    for payload, make in PAYLOADS.items():
        data = make(folder.canary(payload))
        for number, suffix in enumerate(SUFFIXES):
            name = f"{payload}{number}"
            file = folder.path / f"{name}{suffix}"
            file.write_bytes(data)
            cards = [
                folder.own(
                    f"{name}-monai",
                    {
                        "type": "monai",
                        "network": "UNet",
                        "arguments": UNET,
                        "weights": file.name,
                    },
                )
            ]
            for kind, card in embedded.items():
                cards.append(
                    folder.card(
                        f"{name}-{kind}",
                        {
                            **card,
                            "weights": file.name,
                            "sha256": hashlib.sha256(data).hexdigest(),
                        },
                    )
                )
            for kind in PROGRAMS if number in (1, 7) else PROGRAMS[:2]:
                cards.append(folder.own(f"{name}-{kind}", {"type": kind, "file": file.name}))
            folder.commands += [["models", "open", card] for card in cards]
            folder.commands += [
                ["models", "convert", str(file), "-o", str(folder.allowed / "converted")],
                ["@resume", str(file)],
            ]


def other_verbs(folder: Folder) -> None:
    """`check-model` and `explain`, both ways in, and a job; each payload once."""
    scan = ["explain", str(folder.path / "none.nrrd"), "-o", str(folder.allowed / "out")]
    for payload in PAYLOADS:
        file = f"{payload}1.pt"
        source = {"type": "monai", "network": "UNet", "arguments": UNET, "weights": file}
        classifier = folder.own(f"{payload}-c", source)
        autoencoder = folder.own(f"{payload}-a", source, AUTOENCODER)
        folder.commands += [
            ["check-model", classifier],
            ["check-model", autoencoder],
            [*scan, "--classifier", classifier],
            [*scan, "--autoencoder", autoencoder],
            ["demo", "-o", str(folder.allowed / "demo"), "--classifier", classifier],
            ["demo", "-o", str(folder.allowed / "demo"), "--autoencoder", autoencoder],
            [
                "train-effusion",
                "-o",
                str(folder.allowed / "t"),
                "--generated",
                "1",
                "--start-from",
                classifier,
            ],
        ]


def published(folder: Folder) -> None:
    """Files given for published models whose publisher states no digest, then used."""
    for payload in PAYLOADS:
        given = folder.path / payload / MERLIN
        given.parent.mkdir()
        shutil.copy(folder.path / f"{payload}1.pt", given)
        folder.commands += [
            [
                "models",
                "fetch",
                "merlin-phecodes",
                "--accept-licence",
                "--offline",
                "--file",
                str(given),
            ],
            ["check-model", "merlin-phecodes"],
            ["models", "remove", "merlin-phecodes"],
        ]


def cards(folder: Folder) -> None:
    """Cards that name code, addresses or other files, and bundles whose configuration runs."""
    canary = str(folder.canary("python"))
    (folder.path / "net.py").write_text(HOSTILE_PYTHON.format(canary))
    (folder.path / "canary_module.py").write_text("")
    bundle = folder.path / "bundle"
    (bundle / "configs").mkdir(parents=True)
    (bundle / "configs" / "inference.json").write_text(
        json.dumps(
            {
                "imports": [f"$open({canary!r}, 'w')"],
                "network_def": f"$open({canary!r}, 'w')",
                "initialize": [f"$__import__('os').system('touch {canary}')"],
            }
        )
    )
    with zipfile.ZipFile(folder.path / "bundle.zip", "w") as archive:
        for path in bundle.rglob("*"):
            archive.write(path, path.relative_to(folder.path))
    monai = {"type": "monai", "weights": "reduce1.pt"}
    address = "http://127.0.0.1:9/weights.pt"
    sources = [
        {"type": "python", "file": "net.py"},
        {"type": "monai-bundle", "file": "bundle"},
        {"type": "monai-bundle", "file": "bundle.zip"},
        {**monai, "network": "HoVerNet", "arguments": {"pretrained_url": address}},
        {
            **monai,
            "network": "DenseNet121",
            "arguments": {
                "spatial_dims": 2,
                "in_channels": 3,
                "out_channels": 1,
                "pretrained": True,
            },
        },
        {**monai, "network": "EfficientNetBN", "arguments": {"model_name": "efficientnet-b0"}},
        {**monai, "network": "ResNetFeatures", "arguments": {"model_name": "resnet10"}},
        {**monai, "network": "MILModel", "arguments": {"num_classes": 1}},
        {**monai, "network": "Transchex", "arguments": {}},
        {**monai, "network": "UNet", "arguments": {**UNET, "act": address}},
        {"type": "monai", "network": "UNet", "arguments": UNET, "weights": address},
        {"type": "python", "file": "../net.py"},
        {"type": "python", "file": "/etc/passwd"},
    ]
    for number, source in enumerate(sources):
        for verb in (["models", "open"], ["check-model"]):
            folder.commands.append([*verb, folder.own(f"source{number}", source)])
    text = f"model: !!python/object/apply:os.system ['touch {canary}']"
    (folder.path / "x.yaml").write_text(text)
    folder.commands.append(
        [
            "models",
            "convert",
            str(folder.path / "reduce1.pt"),
            "--yaml",
            str(folder.path / "x.yaml"),
            "-o",
            str(folder.allowed / "converted"),
        ]
    )


def controls(folder: Folder) -> list[list[str]]:
    """The same payloads, opened as they must not be."""
    commands = []
    for payload, make in PAYLOADS.items():
        if payload in ("tar", "exported", "bare"):
            continue  # `torch.load` of today refuses them by itself
        path = folder.path / f"control-{payload}.pt"
        path.write_bytes(make(folder.canary(f"control-{payload}")))
        commands.append(["@script" if payload == "torchscript" else "@load", str(path)])
    return commands


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """The folder, and what the watcher saw: first of the commands, then of the controls."""
    folder = Folder(tmp_path_factory.mktemp("hostile"))
    for fill in (weights, other_verbs, published, cards):
        fill(folder)
    harmful = controls(folder)
    wanted, report = folder.path / "commands.json", folder.path / "report.json"
    wanted.write_text(json.dumps(folder.commands + harmful))
    for name in ("home", "tmp", "cache"):
        (folder.allowed / name).mkdir()
    allowed = {name: str(folder.allowed / name) for name in ("home", "tmp", "cache")}
    subprocess.run(
        [
            sys.executable,
            str(ROOT / "Testing" / "watch.py"),
            str(wanted),
            str(report),
            str(folder.allowed),
        ],
        check=True,
        cwd=folder.allowed,
        stdin=subprocess.DEVNULL,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "CTCounterfactual"),
            "HOME": allowed["home"],
            "TMPDIR": allowed["tmp"],
            FOLDER_VARIABLE: allowed["cache"],
            "OMP_NUM_THREADS": "1",
        },
    )
    rows = json.loads(report.read_text())
    return folder, rows[: len(folder.commands)], rows[len(folder.commands) :]


def test_nothing_is_written_started_connected_to_or_imported(watched):
    folder, rows, _ = watched
    assert len(rows) == len(folder.commands) > 7 * len(PAYLOADS) * len(SUFFIXES)
    assert [row for row in rows if row["seen"]] == []
    ran = {path.name for path in folder.canaries.iterdir() if not path.name.startswith("control")}
    assert ran == set()


def test_each_is_refused_in_one_line_that_names_no_fault_of_the_program(watched):
    _, rows, _ = watched
    harmless = {"fetch", "remove"}  # a copy, which nobody has opened
    failed = [row for row in rows if row["code"] != 2 and not harmless & set(row["command"])]
    assert failed == []
    assert [row for row in rows if "Traceback" in row["said"]] == []
    assert all(
        row["said"].startswith("Error: ")
        for row in rows
        if row["code"] == 2 and row["command"][0] != "@resume"
    )


def test_no_consent_was_remembered(watched):
    folder, _, _ = watched
    assert not list(folder.allowed.rglob("accepted_code.json"))
    assert not list((folder.allowed / "converted").glob("*"))


def test_the_files_do_their_harm_where_they_are_opened_as_they_should_not_be(watched):
    folder, _, rows = watched
    assert len(rows) == len(PAYLOADS) - 3
    for row in rows:
        payload = Path(row["command"][-1]).stem.removeprefix("control-")
        harmed = row["seen"] or folder.canary(f"control-{payload}").exists()
        assert harmed or payload == "nested", row


def test_every_payload_meets_every_suffix_and_way_in(watched):
    folder, _, _ = watched
    tried = {tuple(command) for command in folder.commands}
    for payload, (number, suffix) in itertools.product(PAYLOADS, enumerate(SUFFIXES)):
        file = str(folder.path / f"{payload}{number}{suffix}")
        assert ("@resume", file) in tried
        for kind in ("monai", "ct-vqgan-small", "effusion-demo", *PROGRAMS[:2]):
            card = str(folder.path / f"{payload}{number}-{kind}.json")
            assert ("models", "open", card) in tried
