"""A slice autoencoder of your own: any module with `encode` and `decode`."""

from torch import nn


class MyAutoencoder(nn.Module):
    """Slices (N, 1, H, W) in -1..1 <-> latents (N, 4, H/4, W/4)."""

    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, 16, 4, 2, 1), nn.SiLU(), nn.Conv2d(16, 4, 4, 2, 1))
        self.up = nn.Sequential(
            nn.ConvTranspose2d(4, 16, 4, 2, 1), nn.SiLU(), nn.ConvTranspose2d(16, 1, 4, 2, 1)
        )

    def encode(self, x):
        """Return latents; of a pair (mean, sigma) the first counts."""
        return self.down(x)

    def decode(self, z):
        """Return slices."""
        return self.up(z)


if __name__ == "__main__":
    from pathlib import Path

    from safetensors.torch import save_file

    save_file(MyAutoencoder().state_dict(), Path(__file__).with_name("weights.safetensors"))
