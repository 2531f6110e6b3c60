"""Networks of `torch.nn`, each beside the same one in Keras, for their weights to go from one to the other."""

import dataclasses
from typing import Any

import keras
import numpy as np
import torch
from keras import layers, ops
from torch import nn

from keras_sharpness import models

# PyTorch's; Keras's is 1e-3.
EPSILON = 1e-5


@dataclasses.dataclass
class Pair:
    module: nn.Module
    model: keras.Model
    x: list[np.ndarray]  # in Keras's layout

    @property
    def inputs(self):
        return self.x if len(self.x) > 1 else self.x[0]

    def in_torch(self) -> np.ndarray:
        x = [torch.tensor(np.moveaxis(a, -1, 1) if a.ndim == 4 else a) for a in self.x]
        with torch.no_grad():
            return self.module(*x).numpy()

    def in_keras(self) -> np.ndarray:
        tensors = keras.tree.map_structure(ops.convert_to_tensor, self.inputs)
        return ops.convert_to_numpy(self.model(tensors, training=False))


def randomize(module: nn.Module) -> nn.Module:
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name.endswith("running_var") or (tensor.ndim == 1 and name.endswith("weight")):
                tensor.uniform_(0.5, 1.5, generator=generator)
            elif tensor.is_floating_point():
                tensor.normal_(0, 1 / max(tensor[0].numel(), 1) ** 0.5, generator=generator)
            else:
                tensor.fill_(7)  # Batches that a normalization has counted.
    return module.eval()


def normal(*shape) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype("float32")


class VisionTransformer(nn.Module):
    """Arrays without modules come first in a state dict, and the blocks' normalizations after their dense layers."""

    def __init__(self, pooling):
        super().__init__()
        self.pooling = pooling
        tokens = 16 + (pooling == "token")
        self.positions = nn.Parameter(torch.zeros(1, tokens, 8))
        if pooling == "token":
            self.token = nn.Parameter(torch.zeros(1, 1, 8))
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        block = nn.TransformerEncoderLayer(8, 2, 32, 0.1, "gelu", 1e-6, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(block, 2, nn.LayerNorm(8, 1e-6), enable_nested_tensor=False)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        if self.pooling == "token":
            x = torch.cat([self.token.expand(len(x), -1, -1), x], 1)
        x = self.blocks(x + self.positions)
        return self.head(x[:, 0] if self.pooling == "token" else x.mean(1))


def vision_transformer(pooling="token"):
    model = models.vit((16, 16, 3), 5, patch_size=4, width=8, depth=2, num_heads=2, pooling=pooling, dropout=0.1)
    return Pair(randomize(VisionTransformer(pooling)), model, [normal(4, 16, 16, 3)])


class ResidualBlock(nn.Module):
    def __init__(self, channels, filters):
        super().__init__()
        self.widens = filters - channels
        self.conv1 = nn.Conv2d(channels, filters, 3, 2 if self.widens else 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.conv2, self.bn2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False), nn.BatchNorm2d(filters)

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        if self.widens:
            x = nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, self.widens))
        return torch.relu(y + x)


def resnet20():
    steps, channels = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()], 16
    for filters in (16, 32, 64):
        for _ in range(3):
            steps.append(ResidualBlock(channels, filters))
            channels = filters
    module = nn.Sequential(*steps, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
    return Pair(randomize(module), models.resnet20(), [normal(2, 32, 32, 3)])


class Projected(nn.Module):
    """A block whose shortcut is as deep as the block, with weights of the same shapes, written down last."""

    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)
        self.shortcut = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Tanh(), nn.BatchNorm2d(4))
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        return self.head(torch.relu(self.bn(self.conv(x)) + self.shortcut(x)).mean((2, 3)))


def projected(shortcut_first=True):
    x = keras.Input((6, 6, 3))
    main = layers.BatchNormalization(epsilon=EPSILON)(layers.Conv2D(4, 1)(x))
    shortcut = layers.BatchNormalization(epsilon=EPSILON)(layers.Conv2D(4, 1, activation="tanh")(x))
    y = layers.ReLU()(layers.Add()([shortcut, main] if shortcut_first else [main, shortcut]))
    model = keras.Model(x, layers.Dense(3)(layers.GlobalAveragePooling2D()(y)))
    return Pair(randomize(Projected()), model, [normal(5, 6, 6, 3)])


def depthwise():
    """Depthwise, pointwise and grouped convolutions, with each kind of normalization; a chain."""
    module = nn.Sequential(
        *(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 8, 3, groups=4)),
        *(nn.GroupNorm(2, 8), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=8, bias=False), nn.Conv2d(8, 6, 1)),
        *(nn.Conv2d(6, 4, 3, groups=2), nn.Flatten(), nn.LayerNorm(16), nn.Linear(16, 3)),
    )
    model = keras.Sequential(
        [
            *(keras.Input((10, 10, 3)), layers.Conv2D(4, 3, use_bias=False)),
            *(layers.BatchNormalization(epsilon=EPSILON), layers.ReLU(), layers.DepthwiseConv2D(3, depth_multiplier=2)),
            *(layers.GroupNormalization(2, epsilon=EPSILON), layers.ReLU(), layers.SeparableConv2D(6, 3)),
            *(layers.Conv2D(4, 3, groups=2), layers.Flatten(), layers.LayerNormalization(epsilon=EPSILON)),
            layers.Dense(3),
        ]
    )
    return Pair(randomize(module), model, [normal(5, 10, 10, 3)])


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.norm, self.head = nn.Embedding(20, 6), nn.LayerNorm(6), nn.Linear(6, 3, bias=False)

    def forward(self, tokens):
        return self.head(self.norm(self.embedding(tokens).mean(1)))


def embedding():
    """A classifier of bags of words; a chain."""
    model = keras.Sequential(
        [
            *(keras.Input((7,), dtype="int32"), layers.Embedding(20, 6), layers.GlobalAveragePooling1D()),
            *(layers.LayerNormalization(epsilon=EPSILON), layers.Dense(3, use_bias=False)),
        ]
    )
    return Pair(randomize(Bag()), model, [np.random.default_rng(0).integers(0, 20, (5, 7)).astype("int32")])


class Encoder(nn.Module):
    """Attention after Vaswani et al., each of its four maps a dense layer, as in most programs for BERT."""

    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(20, 8), nn.Embedding(7, 8)
        self.query, self.key, self.value, self.out = (nn.Linear(8, 8) for _ in range(4))
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 3)

    def forward(self, tokens, mask):
        x = self.words(tokens) + self.places.weight
        q, k, v = (part(x).unflatten(2, (2, 4)).transpose(1, 2) for part in (self.query, self.key, self.value))
        x = nn.functional.scaled_dot_product_attention(q, k, v, mask[:, None, None] > 0).transpose(1, 2).flatten(2)
        return self.head(self.norm(self.out(x))[:, 0])


class OurEncoder(keras.Model):
    def __init__(self):
        super().__init__()
        self.words, self.places = layers.Embedding(20, 8), layers.Embedding(7, 8)
        self.attend = layers.MultiHeadAttention(2, 4)
        self.normalize, self.head = layers.LayerNormalization(epsilon=EPSILON), layers.Dense(3)

    def call(self, inputs):
        tokens, mask = inputs
        x = self.words(tokens) + self.places(ops.arange(7))
        x = self.attend(x, x, attention_mask=mask[:, None] > 0)
        return self.head(self.normalize(x)[:, 0])


def encoder():
    """A masked encoder; a subclassed model."""
    tokens = np.random.default_rng(0).integers(0, 20, (5, 7)).astype("int32")
    mask = (np.arange(7) < np.arange(3, 8)[:, None]).astype("int32")
    pair = Pair(randomize(Encoder()), OurEncoder(), [tokens, mask])
    pair.in_keras()  # builds it
    return pair


class CrossAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attend = nn.MultiheadAttention(8, 2, bias=False, kdim=6, vdim=5, batch_first=True)

    def forward(self, query, key, value):
        return self.attend(query, key, value)[0]


def cross_attention():
    """Keys and values of widths of their own, and no biases."""
    query, key, value = keras.Input((4, 8)), keras.Input((3, 6)), keras.Input((3, 5))
    attended = layers.MultiHeadAttention(2, 4, use_bias=False)(query, value, key)
    model = keras.Model([query, key, value], attended)
    return Pair(randomize(CrossAttention()), model, [normal(5, 4, 8), normal(5, 3, 6), normal(5, 3, 5)])


def mean_vision_transformer():
    """Without a class token."""
    return vision_transformer("mean")


def projected_last():
    """With the shortcut as the second summand."""
    return projected(shortcut_first=False)


CHAINS: dict[str, Any] = {fn.__name__: fn for fn in (depthwise, embedding)}
CHECKED: dict[str, Any] = {
    fn.__name__: fn
    for fn in (
        *(vision_transformer, mean_vision_transformer, resnet20, projected, projected_last),
        *(encoder, cross_attention),
    )
}
