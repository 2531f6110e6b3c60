"""The networks of `networks`, as a user of PyTorch writes them. Examples have channels first."""

import torch
from torch import nn


def dense() -> nn.Module:
    """Returns the network 784-100-100-10."""
    return nn.Sequential(nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, 10))


def cnn() -> nn.Module:
    """Returns a network of two convolutions with batch normalization."""
    first = [nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)]
    second = [nn.Conv2d(16, 32, 3), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*first, *second, nn.Linear(32, 10))


class Block(nn.Module):
    """A block of a residual network."""

    def __init__(self, before: int, filters: int, stride: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            *_normalized(before, filters, 3, stride), nn.ReLU(), *_normalized(filters, filters, 3, 1)
        )
        self.shortcut = nn.Sequential(*_normalized(before, filters, 1, stride)) if before != filters else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.inner(x) + self.shortcut(x))


def resnet20() -> nn.Module:
    """Returns ResNet-20 for 32x32x3."""
    blocks: list[nn.Module] = [*_normalized(3, 16, 3, 1), nn.ReLU()]
    before = 16
    for filters, stride in ((16, 1), (32, 2), (64, 2)):
        for block in range(3):
            blocks.append(Block(before, filters, stride if block == 0 else 1))
            before = filters
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


class Vit(nn.Module):
    """A small vision transformer: patches of 4x4, pre-normalization, mean of the tokens."""

    def __init__(self, width: int = 64, depth: int = 4, heads: int = 4) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, 4)
        self.position = nn.Parameter(torch.zeros(64, width))
        options = {"dropout": 0.0, "activation": "gelu", "batch_first": True, "norm_first": True}
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, heads, 4 * width, **options) for _ in range(depth)
        )
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 10))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2) + self.position
        for layer in self.layers:
            x = layer(x)
        return self.head(x).mean(dim=1)


BUILD = {"dense": dense, "resnet20": resnet20, "vit": Vit, "cnn": cnn}


def _normalized(before: int, filters: int, size: int, stride: int) -> list[nn.Module]:
    convolution = nn.Conv2d(before, filters, size, stride, padding=size // 2, bias=False)
    return [convolution, nn.BatchNorm2d(filters)]
