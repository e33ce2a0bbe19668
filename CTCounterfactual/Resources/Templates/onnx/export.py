"""Write model.onnx from a network; replace `network` by your trained one.

Needs: pip install onnx onnxscript
"""

from pathlib import Path

import torch
from torch import nn

torch.manual_seed(0)
network = nn.Sequential(  # (N, 1, D, H, W) -> (N, 2)
    nn.Conv3d(1, 8, 5, stride=4), nn.ReLU(), nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(8, 2)
)
sizes = {number: torch.export.Dim.DYNAMIC for number in (0, 2, 3, 4)}
torch.onnx.export(
    network.eval(),
    (torch.rand(2, 1, 20, 32, 40),),
    Path(__file__).with_name("model.onnx"),
    dynamic_shapes=(sizes,),
    external_data=False,
)
