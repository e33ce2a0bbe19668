"""Which device a setting means, and what is said of it."""

import pytest
import torch

from CTCounterfactualLib.counterfactual.environment import choose_device, describe_device
from CTCounterfactualLib.errors import SettingsError

HAS_GPU = torch.cuda.is_available()


def test_cpu_is_the_cpu_and_is_told_with_its_threads():
    device = choose_device("cpu")
    assert device == torch.device("cpu")
    assert describe_device(device) == f"cpu ({torch.get_num_threads()} threads)"


def test_auto_is_the_gpu_where_there_is_one():
    assert choose_device("auto").type == ("cuda" if HAS_GPU else "cpu")


@pytest.mark.skipif(HAS_GPU, reason="there is a GPU here")
@pytest.mark.parametrize("name", ["cuda", "cuda:0"])
def test_a_gpu_that_is_not_there_is_refused_with_what_to_do(name):
    with pytest.raises(SettingsError, match=r"finds no CUDA GPU.*Use .*cpu"):
        choose_device(name)


@pytest.mark.skipif(not HAS_GPU, reason="no GPU here")
def test_a_gpu_beyond_the_last_is_refused():
    count = torch.cuda.device_count()
    with pytest.raises(SettingsError, match=rf"cuda:{count} was asked for, but there are {count}"):
        choose_device(f"cuda:{count}")
