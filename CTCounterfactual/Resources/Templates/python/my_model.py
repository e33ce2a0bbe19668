"""A network of your own; `build` is what the card names as its factory.

`python my_model.py` writes random weights beside it, in place of yours:
    save_file(trained_network.state_dict(), "weights.safetensors")
"""

from pathlib import Path

from torch import nn


class Net(nn.Module):
    """(N, 1, R, A, S) in -1..1 -> (N, 2) logits, for volumes of any size."""

    def __init__(self, width: int):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv3d(1, width, 5, stride=4),
            nn.BatchNorm3d(width),
            nn.ReLU(),
            nn.Dropout(),
            nn.Conv3d(width, 2 * width, 3, stride=2),
            nn.ReLU(),
            nn.AdaptiveAvgPool3d(1),
        )
        self.head = nn.Linear(2 * width, 2)

    def forward(self, x):
        return self.head(self.features(x).flatten(1))


def build(width: int = 8) -> nn.Module:
    """Return the network; the card's `arguments` arrive here by name."""
    return Net(width)


if __name__ == "__main__":
    from safetensors.torch import save_file

    save_file(build().state_dict(), Path(__file__).with_name("weights.safetensors"))
