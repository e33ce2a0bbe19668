"""From a list to a classifier: the whole way on small chests, resumed, and refused in words."""

import numpy as np
import pytest
import torch

from CTCounterfactualLib.app.cli import main
from CTCounterfactualLib.errors import ScanError, SettingsError
from CTCounterfactualLib.models.catalogue import load_backbone, load_classifier
from CTCounterfactualLib.outputs.volumes import write_image
from CTCounterfactualLib.probe import features
from CTCounterfactualLib.probe.probe_settings import ProbeSettings
from CTCounterfactualLib.probe.train import train_probe
from CTCounterfactualLib.scans.grid import prepare
from CTCounterfactualLib.scans.read import read_scan
from CTCounterfactualLib.scans.scan import Scan

PATIENTS = 6


@pytest.fixture
def listed(tmp_path):
    """Two scans of each patient: one with a block of fluid in the lung, one without."""
    rng = np.random.default_rng(1)
    rows = ["scan,patient,block"]
    for patient in range(PATIENTS):
        base = rng.normal(-800 + 20 * patient, 20, (8, 32, 32)).astype(np.int16)
        base[:, :4] = base[:, -4:] = 40  # a wall, as any scan has soft tissue
        for present in (0, 1):
            hu = base.copy()
            if present:
                hu[2:6, 8:24, 8:24] = 20
            name = f"{patient}-{present}.nrrd"
            write_image(Scan.from_array(hu, (1.5, 1.5, 3.0)).image, tmp_path / name)
            rows.append(f"{name},p{patient},{present}")
    path = tmp_path / "list.csv"
    path.write_text("\n".join(rows))
    return path


def test_labels_become_a_classifier_that_gives_the_fits_logits(listed, tmp_path, monkeypatch):
    settings = ProbeSettings(pooling="mean-max", folds=3)
    card, (label,) = train_probe(listed, "effusion-demo", tmp_path / "out", settings=settings)
    assert label.auc.value > 0.9 and label.auc.patients == PATIENTS
    probe = load_classifier(card)
    assert [target.name for target in probe.targets] == ["block", "block probability"]
    scan = read_scan(tmp_path / "3-1.nrrd")
    x = torch.from_numpy(prepare(scan, probe.grid).volume)[None, None]
    found = load_backbone("effusion-demo").features(x, "mean-max")[0].double().numpy()
    expected = found @ label.weight + label.offset
    assert float(probe.score(x, "block")) == pytest.approx(expected, rel=1e-3)
    rows = (tmp_path / "out" / "cross_validated.csv").read_text().splitlines()
    assert rows[0] == "scan,patient,label,value,logit" and len(rows) == 1 + 2 * PATIENTS
    # Another run takes the features that are there, and comes to the same.
    monkeypatch.setattr(
        "CTCounterfactualLib.models.backbones.layer.LayerBackbone.features", lambda *_: 1 / 0
    )
    _, (again,) = train_probe(
        listed, "effusion-demo", tmp_path / "out", settings=settings, force=True
    )
    assert np.array_equal(again.weight, label.weight)


def test_the_command_tells_the_area_and_where_the_model_is(listed, tmp_path, capsys):
    words = [str(listed), "--backbone", "effusion-demo", "-o", str(tmp_path / "out")]
    assert main(["probe", *words, "--folds", "3", "--name", "mine"]) == 0
    out, err = capsys.readouterr()
    assert "block: cross-validated AUC" in out and "6 patients" in out
    assert str(tmp_path / "out" / "mine.json") in err
    assert main(["probe", *words, "--name", "mine"]) == 2
    assert "mine.safetensors" in capsys.readouterr().err


def test_a_scan_that_can_not_be_read_is_named_and_the_rest_stays(listed, tmp_path):
    (tmp_path / "5-1.nrrd").write_text("no scan")
    with pytest.raises(ScanError, match=r"5-1\.nrrd"):
        train_probe(listed, "effusion-demo", tmp_path / "out")
    kept = list((tmp_path / "out" / features.FOLDER).iterdir())
    assert len(kept) == 2 * PATIENTS - 1
    assert not list((tmp_path / "out").glob("my-probe*"))


def test_a_label_that_one_patient_has_is_refused_before_anything_is_made(listed, tmp_path):
    lines = listed.read_text().splitlines()
    listed.write_text("\n".join(lines[:3] + [line[:-1] + "0" for line in lines[3:]]))
    with pytest.raises(SettingsError, match=r"block has 1 patient\(s\) with it"):
        train_probe(listed, "effusion-demo", tmp_path / "out")
    assert not (tmp_path / "out").exists()
