"""A file in parts: whole again to the byte, or refused."""

import hashlib

import pytest
import torch

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.backbones.parts import joined


def test_parts_in_their_order_are_the_file_again_and_nothing_runs(packages):
    paths, data = packages({"w": torch.arange(1000.0)})
    digest = hashlib.sha256(data).hexdigest()
    assert joined(paths, "part.bin", digest) == data
    with pytest.raises(ModelError, match="published was"):
        joined(paths[::-1], "part.bin", digest)


def test_a_package_of_another_kind_is_named(packages, tmp_path):
    paths, data = packages({"w": torch.zeros(3)})
    with pytest.raises(ModelError, match=r"p1\.whl has 0 files other\.bin"):
        joined(paths, "other.bin", "")
    paths[1].write_bytes(b"<html>")
    with pytest.raises(ModelError, match=r"p2\.whl is no readable package"):
        joined(paths, "part.bin", hashlib.sha256(data).hexdigest())
