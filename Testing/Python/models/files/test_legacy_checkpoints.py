"""Checkpoints of PyTorch before 1.6: the same tensors as PyTorch reads, and nothing runs."""

import pickle
import random
from contextlib import suppress

import pytest
import torch

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.files.checkpoints import read_content, read_tensors
from CTCounterfactualLib.models.files.legacy_checkpoints import LEGACY_HEAD, is_legacy
from CTCounterfactualLib.models.store.kinds import check_kind


def save(content, path):
    torch.save(content, path, _use_new_zipfile_serialization=False)
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "old.pth"


def test_every_kind_of_tensor_is_read_as_pytorch_reads_it(path):
    base = torch.arange(24.0).reshape(4, 6)
    state = {
        "float": torch.randn(3, 5),
        "half": torch.randn(7).half(),
        "whole": torch.arange(9),
        "byte": torch.tensor([1, 255], dtype=torch.uint8),
        "truth": torch.tensor([True, False]),
        "one": torch.tensor(2.5),
        "none": torch.empty(0, 3),
        "turned": base.t(),
        "part": base[1:3],
        "parameter": torch.nn.Parameter(torch.ones(2)),
    }
    save({"state_dict": state, "epoch": 3}, path)
    assert is_legacy(path.read_bytes())
    found = read_tensors(path)
    expected = torch.load(path, weights_only=True)["state_dict"]
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype and torch.equal(found[name], tensor), name
    assert read_content(path)["epoch"] == 3


def test_a_network_gets_the_same_weights(path):
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4))
    save(network.state_dict(), path)
    again = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4))
    again.load_state_dict(read_tensors(path), strict=True)
    assert all(
        torch.equal(a, b)
        for a, b in zip(network.state_dict().values(), again.state_dict().values(), strict=True)
    )


class Attack:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_nothing_that_it_names_is_called(path, tmp_path):
    save({"state_dict": {"w": torch.ones(2)}, "x": Attack(str(tmp_path / "ran"))}, path)
    assert read_tensors(path)["w"].tolist() == [1, 1]
    assert not (tmp_path / "ran").exists()


def test_nothing_runs_in_any_of_its_pickles(path, tmp_path):
    content = save({"w": torch.ones(2)}, path).read_bytes()
    for attack in (content[: len(LEGACY_HEAD)], b""):
        path.write_bytes(attack + pickle.dumps(Attack(str(tmp_path / "ran")), 2) * 4)
        with pytest.raises(ModelError):
            read_tensors(path)
    assert not (tmp_path / "ran").exists()


def test_a_view_of_another_storage_is_refused(path):
    """As before version 0.4: the sixth of a storage's facts, which is None ever since."""
    content = save({"w": torch.ones(2)}, path).read_bytes()
    place = content.index(b"K\x02Nt")  # two numbers, no view, end of the facts
    path.write_bytes(content[:place] + b"K\x02K\x01t" + content[place + 4 :])
    with pytest.raises(ModelError, match="view of another one's numbers"):
        read_tensors(path)


def test_a_cut_or_longer_one_is_refused_by_loader_and_store(path):
    content = save({"w": torch.arange(40.0), "b": torch.ones(3)}, path).read_bytes()
    for wrong in (*(content[:n] for n in range(len(LEGACY_HEAD), len(content), 7)), content + b"x"):
        path.write_bytes(wrong)
        for refuse in (read_tensors, lambda path: check_kind(path, "old.pth")):
            with pytest.raises(ModelError):
                refuse(path)


def test_damage_gives_an_error_or_numbers_but_nothing_else(path):
    content = save({"w": torch.arange(40.0), "b": torch.ones(3)}, path).read_bytes()
    draw = random.Random(0)
    for _ in range(300):
        damaged = bytearray(content)
        damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        path.write_bytes(damaged)
        with suppress(ModelError):
            assert set(map(type, read_tensors(path).values())) == {torch.Tensor}
