"""Write random weights for the example card, in place of yours."""

from pathlib import Path

import torch
from monai.networks.nets import VQVAE

torch.manual_seed(0)
network = VQVAE(
    spatial_dims=2,
    in_channels=1,
    out_channels=1,
    channels=(16, 16),
    num_res_layers=1,
    num_res_channels=(16, 16),
    downsample_parameters=((2, 4, 1, 1), (2, 4, 1, 1)),
    upsample_parameters=((2, 4, 1, 1, 0), (2, 4, 1, 1, 0)),
    num_embeddings=32,
    embedding_dim=4,
)
torch.save(network.state_dict(), Path(__file__).with_name("weights.pt"))
