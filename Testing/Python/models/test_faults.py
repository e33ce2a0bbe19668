"""What a model of somebody else did wrong: the true cause, and shapes only where they are it."""

import sys

import pytest
import torch
from torch import nn

from CTCounterfactualLib.errors import Cancelled, ModelError
from CTCounterfactualLib.models.faults import naming_faults

X = torch.zeros(1, 1, 4, 4, 4)
SHAPES = "Mend the axes."


def said(function) -> str:
    with pytest.raises(ModelError) as caught, naming_faults("net", "an input", SHAPES):
        function()
    return str(caught.value)


def in_place_gradient():
    x = torch.ones(3, requires_grad=True) * 1
    deviation = x.std()
    x.div_(deviation)
    x.sum().backward()


def kept_graph():
    y = torch.ones(3, requires_grad=True).square().sum()
    y.backward()
    y.backward()


def gradient_inside():
    with torch.no_grad():
        x = torch.ones(3, requires_grad=True).square()
        torch.autograd.grad(x.sum(), x)


def sparse_sigmoid():
    torch.ones(2, 2).to_sparse().sigmoid_().cumsum(0)


def inference_weights():
    with torch.inference_mode():
        network = nn.Linear(3, 1)
    network(torch.ones(1, 3, requires_grad=True))


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda: nn.Conv3d(1, 2, 3).half()(X), "another precision than float32"),
        (lambda: nn.Linear(4, 2).double()(X), "another precision than float32"),
        (lambda: X.new_ones(2, requires_grad=True).sub_(1), "overwrites in place"),
        (lambda: X[:, :1].expand(-1, 3, -1, -1, -1).sub_(1), "overwrites in place"),
        (in_place_gradient, "overwrites in place"),
        (kept_graph, "from one call to the next"),
        (gradient_inside, "do it within torch.enable_grad()"),
        (sparse_sigmoid, "plain dense float tensors"),
        (inference_weights, "torch.inference_mode"),
        (lambda: X.requires_grad_(False).clone().requires_grad_().numpy(), "no gradient to take"),
        (lambda: X + X.to("meta"), "different devices"),
        (lambda: nn.BatchNorm1d(2)(torch.zeros(1, 2)), "training mode"),
        (lambda: {}["size"], "Mend its code"),
        (lambda: X.no_such_size, "Mend its code"),
        (lambda: torch.zeros(()).resize_as_channels(), "Mend its code"),
        (lambda: 1 / 0, "Mend its code"),
    ],
)
def test_the_true_cause_is_named_and_shapes_are_not(function, words):
    message = said(function)
    assert message.startswith("net fails on an input (") and "\n" not in message
    assert words in message and SHAPES not in message


def unpacks():
    _, _, _ = X.shape


def asserts():
    assert X.shape[2] == 40


@pytest.mark.parametrize(
    "function",
    [
        lambda: nn.Conv3d(3, 2, 3)(X),
        lambda: nn.Conv3d(1, 2, 9)(X),
        lambda: nn.Linear(5, 2)(X),
        lambda: X + torch.zeros(1, 1, 4, 4, 3),
        lambda: torch.cat([X, X[..., :2]], dim=1),
        lambda: X.view(7, 3),
        lambda: X[9],
        lambda: nn.Conv2d(1, 2, 3)(X),
        unpacks,
        asserts,
    ],
)
def test_shapes_are_blamed_where_they_are_the_cause(function):
    message = said(function)
    assert message.startswith("net cannot take an input (") and message.endswith(SHAPES)


def test_the_line_of_the_users_own_code_is_named():
    line = asserts.__code__.co_firstlineno + 1
    message = said(asserts)
    assert "AssertionError: " in message and f"test_faults.py line {line})" in message
    # Raised within PyTorch, called from here.
    assert "test_faults.py line" in said(lambda: nn.Linear(5, 2)(X))


@pytest.mark.parametrize("function", [lambda: sys.exit(0), lambda: sys.exit("bye"), quit])
def test_a_model_cannot_end_the_program(function):
    assert "ends the program (sys.exit" in said(function)


def test_any_other_way_out_is_an_error_of_the_model():
    class Odd(BaseException):
        pass

    def leave():
        raise Odd("gone")

    assert "Odd: gone" in said(leave)


@pytest.mark.parametrize(
    "error",
    [
        KeyboardInterrupt(),
        Cancelled(),
        ModelError("mine"),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp] can't allocate memory"),
    ],
)
def test_what_is_not_the_models_fault_passes(error):
    with pytest.raises(type(error)) as caught, naming_faults("net", "an input", SHAPES):
        raise error
    assert caught.value is error


def test_torchscript_tells_what_was_raised_inside():
    class Wrong(nn.Module):
        def forward(self, x):
            return x @ torch.ones(7, 2)

    network = torch.jit.script(Wrong())
    message = said(lambda: network(X))
    assert "Traceback" not in message and message.endswith(SHAPES)
