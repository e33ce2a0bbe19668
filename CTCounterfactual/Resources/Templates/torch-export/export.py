"""Write model.pt2 (torch.export) from a segmentation network with any number of slices.

Say which sizes may vary (`dynamic_shapes`); what you don't say is fixed for ever.
"""

from pathlib import Path

import torch
from torch import nn
from torch.export import Dim

torch.manual_seed(0)
network = nn.Sequential(  # (N, 1, D, H, W) -> (N, 3, D, H, W): background, left lung, right lung
    nn.Conv3d(1, 4, 3, padding=1),
    nn.ReLU(),
    nn.Conv3d(4, 3, 1),
)
sizes = {
    0: Dim("n", min=1, max=16),
    2: Dim("d", min=4, max=2000),
    3: Dim("h", min=16, max=1024),
    4: Dim("w", min=16, max=1024),
}
# Example sizes that differ from each other and from 1 aren't mistaken for fixed ones.
program = torch.export.export(
    network.eval(), (torch.rand(2, 1, 20, 32, 40),), dynamic_shapes=(sizes,)
)
torch.export.save(program, Path(__file__).with_name("model.pt2"))
