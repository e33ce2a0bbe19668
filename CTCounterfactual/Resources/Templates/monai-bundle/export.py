"""Write random weights into the example bundle, in place of those that come with a real one."""

from pathlib import Path

import torch
from monai.networks.nets import DenseNet121

weights = Path(__file__).with_name("bundle") / "models" / "model.pt"
weights.parent.mkdir(exist_ok=True)
torch.manual_seed(0)
torch.save(DenseNet121(spatial_dims=3, in_channels=1, out_channels=2).state_dict(), weights)
