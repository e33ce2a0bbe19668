"""Run the published networks and the engine's side by side, in float64 and in float32.

The stored fixtures are float64. In float32 both codes are to be run on one machine, because
rounding differs between machines: ``python compare_here.py`` in the oracles' environment.
"""

from __future__ import annotations

import sys

import torch

import published_problems as problems
from make_fixtures import import_vqmodel
from oracle_problems import FIXTURES
from published_oracles import (
    inflated,
    lungmask_unet,
    paper_lung_size,
    paper_phecodes,
    r231,
    stand_in,
)

sys.path.insert(0, str(FIXTURES.parents[2] / "CTCounterfactual"))


def main() -> None:
    """Print the greatest relative difference of outputs and of input gradients."""
    from CTCounterfactualLib.models.classifiers.inflated_resnet import InflatedResNet
    from CTCounterfactualLib.models.classifiers.resunet import ResUNet

    torch.set_num_threads(1)
    import_vqmodel()  # puts stand-ins where the paper's package imports training code
    stand_in()
    for blocks, shape in (
        (problems.RESNET_BLOCKS, problems.RESNET_INPUT),
        (problems.PHECODE_BLOCKS, (1, 1, 4, 224, 224)),
    ):
        oracle, ours = inflated(blocks, 5), InflatedResNet(blocks, 5)
        _compare(
            f"inflated ResNet {blocks} {shape}",
            lambda x, o=oracle: o(x.permute(0, 1, 3, 4, 2))[1],
            oracle,
            ours,
            problems.uniform(problems.INPUT_SEED, *shape),
        )
    oracle = r231(lungmask_unet())
    for size in (problems.UNET_SIZE, (48, 64)):
        x = problems.uniform(problems.INPUT_SEED, 1, 1, *size)
        _compare(f"U-Net {size}", oracle, oracle, ResUNet(), x)
    for dtype in (torch.float64, torch.float32):
        _compare_whole(dtype)


def _compare(title: str, run, oracle: torch.nn.Module, ours: torch.nn.Module, x) -> None:
    state = problems.fill_batch_normed(oracle.state_dict(), problems.WEIGHT_SEED)
    for dtype in (torch.float64, torch.float32):
        results = []
        for module, function in ((oracle, run), (ours, ours)):
            module.to(dtype).eval().load_state_dict(state)
            given = x.to(dtype).requires_grad_(True)
            output = function(given)
            cotangent = problems.normal(problems.INPUT_SEED, *output.shape).to(dtype)
            results.append((output, torch.autograd.grad(output, given, cotangent)[0]))
        differences = [
            float((a - b).abs().max() / a.abs().max()) for a, b in zip(*results, strict=True)
        ]
        _say(title, dtype, differences)


def _compare_whole(dtype: torch.dtype) -> None:
    """Compare the classifiers from the scan on, each with its own preparation."""
    from CTCounterfactualLib.models.classifiers.inflated_resnet import InflatedResNet
    from CTCounterfactualLib.models.classifiers.lung_size import RAW, LungSize
    from CTCounterfactualLib.models.classifiers.phecodes import Phecodes, read_targets
    from CTCounterfactualLib.models.classifiers.resunet import ResUNet
    from CTCounterfactualLib.models.entry import RESOURCES
    from on_grid import as_batch, prepare_for

    lungs, phecodes = (
        network.to(dtype) for network in (ResUNet(), InflatedResNet(problems.PHECODE_BLOCKS))
    )
    for network in (lungs, phecodes):
        network.load_state_dict(
            problems.fill_batch_normed(network.state_dict(), problems.WEIGHT_SEED)
        )
    listed = read_targets(RESOURCES)
    for name, classifier, target, oracle in (
        ("lung_size", LungSize(lungs), RAW, paper_lung_size),
        ("phecodes", Phecodes(phecodes, listed), listed[problems.PHECODES[1]].code, paper_phecodes),
    ):
        scores, _, expected = oracle(dtype)[:3]
        x = as_batch(prepare_for(type(classifier), name), dtype)
        score = classifier.score(x, target)
        (gradient,) = torch.autograd.grad(score.sum(), x)
        ours = gradient[0, 0].flip(-2, -1).permute(1, 2, 0)  # (D, J, I) -> the paper's (H, W, D)
        # Of the phecodes' scores the middle one is the target; the lung sum is alone.
        found, given = score.detach()[0].double(), scores[len(scores) // 2].double()
        _say(
            f"{name} from the scan on",
            dtype,
            (
                float((found - given).abs() / given.abs()),
                float((ours - expected[0, 0]).abs().max() / expected.abs().max()),
            ),
        )


def _say(title: str, dtype: torch.dtype, differences) -> None:
    words = "score or output {:.1e}, gradient {:.1e}".format(*differences)
    sys.stdout.write(f"{title}, {str(dtype).removeprefix('torch.')}: {words}\n")


if __name__ == "__main__":
    main()
