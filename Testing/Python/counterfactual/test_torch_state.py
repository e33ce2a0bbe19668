"""PyTorch's global state: known during a run, the caller's own again afterwards."""

import random

import numpy as np
import pytest
import torch

from CTCounterfactualLib.counterfactual.torch_state import full_single_precision, run_state

CPU = torch.device("cpu")
BACKENDS = torch.backends
NEW = pytest.mark.skipif(
    not hasattr(BACKENDS.cuda.matmul, "fp32_precision"), reason="this PyTorch has no such switch"
)


@pytest.fixture(autouse=True)
def defaults():
    """Put PyTorch's switches back, whatever a test did."""
    yield
    torch.set_default_dtype(torch.float32)
    torch.set_default_device("cpu")
    torch.set_default_device(None)
    if hasattr(BACKENDS.cuda.matmul, "fp32_precision"):
        BACKENDS.fp32_precision = "none"
        BACKENDS.cudnn.conv.fp32_precision = BACKENDS.cudnn.rnn.fp32_precision = "tf32"
        BACKENDS.cuda.matmul.fp32_precision = "none"
        BACKENDS.mkldnn.matmul.fp32_precision = "none"
    torch.set_float32_matmul_precision("highest")
    BACKENDS.cudnn.allow_tf32 = True


def drawn():
    return float(torch.rand(())), float(np.random.rand()), random.random()


def test_the_callers_random_numbers_go_on_as_if_there_had_been_no_run():
    torch.manual_seed(5), np.random.seed(5), random.seed(5)
    expected = [drawn(), drawn()]
    torch.manual_seed(5), np.random.seed(5), random.seed(5)
    first = drawn()
    with run_state(3, CPU):
        drawn()
        torch.manual_seed(77)
    with pytest.raises(KeyError), run_state(3, CPU):
        drawn()
        raise KeyError
    assert [first, drawn()] == expected


@pytest.mark.parametrize("seed", [0, 2**63 - 1])
def test_a_seed_gives_the_same_numbers_whatever_was_drawn_before(seed):
    found = []
    for _ in range(2):
        drawn()
        with run_state(seed, CPU):
            found.append(drawn())
    assert found[0] == found[1]
    with run_state(seed, CPU):
        expected = torch.rand(3, generator=torch.Generator().manual_seed(seed))
        assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_gradients_are_taken_whatever_the_callers_mode(mode):
    with mode():
        with run_state(0, CPU):
            assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
            x = torch.ones(2, requires_grad=True)
            assert torch.equal(torch.autograd.grad(x.square().sum(), x)[0], torch.full((2,), 2.0))
        assert not torch.is_grad_enabled()
        assert torch.is_inference_mode_enabled() == (mode is torch.inference_mode)


def test_autocast_default_type_and_device_are_set_aside():
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with run_state(0, CPU):
            made = torch.ones(2, 2) @ torch.ones(2, 2)
            assert made.dtype == torch.float32 and made.device == CPU
        assert torch.is_autocast_enabled("cpu")
    assert torch.get_default_dtype() == torch.float64
    assert torch.empty(1).device.type == "meta"


def older():
    found = []
    for read in (
        lambda: BACKENDS.cudnn.allow_tf32,
        lambda: BACKENDS.cuda.matmul.allow_tf32,
        torch.get_float32_matmul_precision,
    ):
        try:
            found.append(read())
        except RuntimeError:
            found.append("refused")
    return found


def newer():
    places = {
        f"{backend}.{operation}": getattr(getattr(BACKENDS, backend), operation, None)
        for backend in ("cudnn", "cuda", "mkldnn")
        for operation in ("conv", "rnn", "matmul")
        if (backend, operation) not in (("cudnn", "matmul"), ("cuda", "conv"), ("cuda", "rnn"))
    }
    return {name: getattr(place, "fp32_precision", None) for name, place in places.items()}


def set_matmul_tf32():
    BACKENDS.cuda.matmul.allow_tf32 = True


def set_cudnn_off():
    BACKENDS.cudnn.allow_tf32 = False


def set_new_conv():
    BACKENDS.cudnn.conv.fp32_precision = "ieee"


def set_new_matmul():
    BACKENDS.cuda.matmul.fp32_precision = "tf32"


def set_all_new():
    BACKENDS.fp32_precision = "tf32"


@pytest.mark.parametrize(
    "prepare",
    [
        lambda: None,
        lambda: torch.set_float32_matmul_precision("high"),
        lambda: torch.set_float32_matmul_precision("medium"),
        set_matmul_tf32,
        set_cudnn_off,
        pytest.param(set_new_conv, marks=NEW),
        pytest.param(set_new_matmul, marks=NEW),
        pytest.param(set_all_new, marks=NEW),
    ],
)
def test_float32_is_float32_meanwhile_and_every_switch_comes_back(prepare):
    prepare()
    before = older(), newer()
    for _ in range(2):
        with full_single_precision():
            assert set(newer().values()) <= {"ieee", "none", None}
            assert set(older()) <= {False, "highest", "refused"}
        assert (older(), newer()) == before
    with pytest.raises(KeyError), full_single_precision():
        raise KeyError
    assert (older(), newer()) == before


def test_a_model_may_read_the_older_switches_meanwhile():
    with full_single_precision():
        assert older() == [False, False, "highest"]


@NEW
def test_what_was_inherited_is_inherited_again():
    BACKENDS.fp32_precision = "tf32"
    with full_single_precision():
        pass
    BACKENDS.fp32_precision = "none"
    assert newer()["mkldnn.conv"] == "none"
