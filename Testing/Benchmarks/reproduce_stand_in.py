"""`reproduce cohen2025` end to end without the real data and weights: stand-ins for both.

    python Testing/Benchmarks/reproduce_stand_in.py OUT

Makes in OUT a small tree laid out as The Cancer Imaging Archive hands out NSCLC-Radiomics and
PleThora (one patient with fluid, one without, 30 mm of a generated chest each), files of the
published architectures in full size with random weights, and runs the command on them. It shows
that the way through is whole; its numbers mean nothing, which the report says on top. About 5
minutes of CPU time, 5 GB of memory and 2 GB of disk.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [
    str(REPOSITORY / part) for part in ("CTCounterfactual", "Testing", "Testing/Oracles")
]

from comparison.sizes import PUBLISHED, SIZES  # noqa: E402

from CTCounterfactualLib.archives.dicom_folders import FEWEST_SLICES  # noqa: E402
from CTCounterfactualLib.models.classifiers.inflated_resnet import InflatedResNet  # noqa: E402
from CTCounterfactualLib.models.entry import list_models  # noqa: E402
from CTCounterfactualLib.models.vqgan.config import VQGANConfig  # noqa: E402
from CTCounterfactualLib.models.vqgan.network import VQGAN  # noqa: E402
from CTCounterfactualLib.scans.generated import ChestSettings, generate_chest  # noqa: E402
from dicom_trees import slice_of  # noqa: E402
from oracle_problems import fill  # noqa: E402
from published_problems import fill_batch_normed  # noqa: E402

SEED, SPACING_MM, PIXELS, WHOLE_SLICES = 5, 3.0, 112, 100
NOTICE = (
    "Stand-in data and random weights: this shows that the computation runs from end to end; its "
    "numbers mean nothing."
)
# A random head's logits would saturate the probability.
HEAD = 0.01
ROLES = ("merlin-phecodes", "ct2-vqgan256-paper")


def write_tree(root: Path) -> None:
    """Write two patients' DICOM, and the masks."""
    for number, effusion in ((1, 600.0), (2, 0.0)):
        name = f"LUNG1-00{number}"
        settings = ChestSettings(
            (SPACING_MM,) * 3, (PIXELS, PIXELS, WHOLE_SLICES), seed=SEED, effusion_ml=effusion
        )
        low = WHOLE_SLICES // 3
        hu = generate_chest(settings).hu[low : low + FEWEST_SLICES]
        folder = root / "NSCLC-Radiomics" / name / "01-01-2006-NA-1" / "0.000000-NA-1"
        folder.mkdir(parents=True)
        for k, plane in enumerate(hu):
            path = folder / f"1-{k + 1:03d}.dcm"
            dataset = slice_of(k, plane, path)
            dataset.PatientID, dataset.SeriesInstanceUID = name, f"1.2.826.{number}"
            dataset.PixelSpacing = [SPACING_MM, SPACING_MM]
            dataset.SliceThickness = SPACING_MM
            dataset.ImagePositionPatient = [0.0, 0.0, k * SPACING_MM]
            dataset.save_as(path)
        fluid = np.abs(hu - 10) < 15
        masks = {"Thoracic_Cavities": "thor_cav_primary_reviewer"}
        if effusion:
            masks["Effusions"] = "effusion_first_reviewer"
        for kind, ending in masks.items():
            place = root / kind / name
            place.mkdir(parents=True)
            image = sitk.GetImageFromArray(fluid.astype(np.uint8))
            sitk.WriteImage(image, str(place / f"{name}_{ending}.nii.gz"))


def write_weights(folder: Path, narrow: bool) -> list[Path]:
    """Write files of the published architectures under the publisher's names."""
    folder.mkdir(parents=True)
    entries = {entry.name: entry for entry in list_models()}
    (resnet_file,) = entries[ROLES[0]].files
    checkpoint, stated = entries[ROLES[1]].files
    resnet = InflatedResNet()
    state = fill_batch_normed(resnet.state_dict(), SEED)
    state = {
        key: value.float() if value.is_floating_point() else value for key, value in state.items()
    }
    state["classifier.weight"] *= HEAD
    torch.save(state, folder / resnet_file.name)
    config = SIZES["tiny"].cost.config if narrow else PUBLISHED.config
    network = VQGAN(VQGANConfig.from_dict(config))
    weights = {key: value.float() for key, value in fill(network.state_dict(), SEED).items()}
    if narrow:  # a file so small would be taken for a broken download; of the loss nothing is read
        weights["loss.padding"] = torch.zeros(checkpoint.plausible_sizes[0] // 4)
    torch.save({"state_dict": weights}, folder / checkpoint.name)
    sizes = {"n_embed": config["n_embed"], "embed_dim": config["embed_dim"]}
    inner = {key: value for key, value in config.items() if key not in sizes}
    told = {"model": {"params": {**sizes, "ddconfig": inner}}}
    (folder / stated.name).write_text(yaml.safe_dump(told))
    return [folder / name for name in (resnet_file.name, checkpoint.name, stated.name)]


def main() -> int:
    """Make the stand-ins, fetch them as local files, and run the command; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, metavar="OUT", help="a new folder")
    parser.add_argument(
        "--narrow",
        action="store_true",
        help="a VQ-GAN of the same kind with fewer channels: quicker",
    )
    options = parser.parse_args()
    out = options.out.absolute()
    environment = os.environ | {
        "CT_COUNTERFACTUAL_MODELS": str(out / "models"),
        "PYTHONPATH": str(REPOSITORY / "CTCounterfactual"),
    }
    command = [sys.executable, "-m", "CTCounterfactualLib"]
    write_tree(out / "tree")
    files = write_weights(out / "weights", options.narrow)
    fetch = [*command, "models", "fetch", *ROLES, "--offline", "--accept-licence", "--file"]
    subprocess.run([*fetch, *map(str, files)], env=environment, check=True)
    run = [*command, "reproduce", "cohen2025", "--data", str(out / "tree"), "-o", str(out / "run")]
    run += ["--chunk", "12", "--workers", "1", "--device", "cpu", "--notice", NOTICE]
    return subprocess.run(run, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
