"""Making a random classifier react, so that the paper's ladder takes a few steps on each chunk.

A network of random weights is all or nothing, or hardly reacts at all. Three things are set, from
the volume itself: the normalisations' statistics, the target's bias, and its sharpness.
"""

from __future__ import annotations

import numpy as np
import torch

from .engine import CHUNK

# Slices on which the normalisations' statistics are taken.
STATISTICS_SLICES = 32
# Where the score starts: at a probability of 0.82.
START_LOGIT = 1.5
# A faint classifier, whose lambdas are long: the ladder then measures them finely.
TRIAL_SHARPNESS = 0.05
# Where the middle chunk's score is to be lowest: the ladder stops at the next rung or the one
# after, with 4 to 6 evaluations, as a short search of a real classifier.
LOWEST_AT = -34.0


def calibrate(
    autoencoder, classifier, target: int, volume: np.ndarray, device: torch.device
) -> None:
    """Set a random classifier's statistics, bias and sharpness for a volume (K, J, I), 0..1."""
    network = classifier.network
    slices = torch.from_numpy(volume)[:, None].to(device)  # (D, 1, H, W)
    size = volume.shape[1:]
    with torch.no_grad():
        latents = torch.cat([autoencoder.encode(part) for part in slices.split(4)])
        decoded = torch.cat([autoencoder.decode(part, size) for part in latents.split(4)])
        x = decoded.transpose(0, 1)[None].transpose(-2, -1)  # -> (1, 1, D, I, J)
        _take_statistics(network, x[:, :, :STATISTICS_SLICES])
        network.classifier.bias[target] = 0
        logit = float(network(x)[0, target])
        weight = network.classifier.weight[target].clone()

    def sharpen(factor: float) -> None:
        with torch.no_grad():
            network.classifier.weight[target] = factor * weight
            network.classifier.bias[target] = START_LOGIT - factor * logit

    sharpen(TRIAL_SHARPNESS)
    lowest = _lowest(autoencoder, classifier, classifier.targets[target].name, latents, decoded)
    # The gradient is as steep as the classifier is sharp; its lambdas are as short.
    sharpen(TRIAL_SHARPNESS * lowest / LOWEST_AT)


def _take_statistics(network: torch.nn.Module, x: torch.Tensor) -> None:
    """Set all running statistics to those of a volume.

    Without it, each residual block would double the signal.
    """
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            module.momentum = 1.0  # the last batch's statistics, nothing of the random ones
    network.train()
    network(x)
    network.eval()


def _lowest(autoencoder, classifier, target: str, latents, decoded) -> float:
    """Return the rung at which the middle chunk's score is lowest."""
    from CTCounterfactualLib.counterfactual.gradient import latent_gradient, volume_gradient
    from CTCounterfactualLib.counterfactual.result import SearchPoint
    from CTCounterfactualLib.counterfactual.search.reference import reference_search

    start = len(latents) // 2 // CHUNK * CHUNK
    part, size = slice(start, start + CHUNK), tuple(decoded.shape[-2:])
    score, image_gradient = volume_gradient(classifier, target, decoded)
    gradient = latent_gradient(autoencoder, latents[part], image_gradient[part])

    @torch.inference_mode()
    def evaluate(lam: float) -> SearchPoint:
        changed = autoencoder.decode(latents[part] + lam * gradient, size)
        return SearchPoint(lam, rescore(changed, start) if lam else score, 0.0)

    with torch.inference_mode():
        rescore = classifier.rescorer(decoded.transpose(0, 1)[None], target)
    path = reference_search(evaluate, "decrease", 1.0).path
    return min(path, key=lambda point: point.score).lam
