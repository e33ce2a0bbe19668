"""Write model.pt (TorchScript) from a network; replace `network` by your trained one."""

from pathlib import Path

import torch
from torch import nn

torch.manual_seed(0)
network = nn.Sequential(  # (N, 1, D, H, W) -> (N, 1)
    nn.Conv3d(1, 8, 5, stride=4),
    nn.ReLU(),
    nn.Conv3d(8, 8, 3, stride=2),
    nn.ReLU(),
    nn.AdaptiveAvgPool3d(1),
    nn.Flatten(),
    nn.Linear(8, 1),
)
torch.jit.script(network.eval()).save(Path(__file__).with_name("model.pt"))
