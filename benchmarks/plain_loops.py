"""The yardstick of `calls`: the same ascents as a user writes them in PyTorch, or with Keras on TensorFlow.

`python -m benchmarks.plain_loops torch dense` prints seconds of calls and the peak memory as JSON.
"""

import json
import math
import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.measuring import NUM_BATCHES, RHOS, STEP_SIZE, M, examples, timed_calls

Gradient = Callable[[list, Any, Any], tuple[float, list]]


def pga(xp: Any, gradient: Callable[[list], tuple[float, list]], weights: list, rho: float, num_steps: int) -> float:
    """Returns the largest rise of the loss along plain projected gradient ascent in the adaptive ball."""
    radius = [rho * xp.abs(w) for w in weights]
    point, losses = weights, []
    for _ in range(num_steps):
        loss, slope = gradient(point)
        losses.append(loss)
        moved = [p + STEP_SIZE * g for p, g in zip(point, slope, strict=True)]
        point = _clipped(xp, moved, weights, radius)
    return max(*losses, gradient(point)[0]) - losses[0]


def apgd(xp: Any, gradient: Callable[[list], tuple[float, list]], weights: list, rho: float, num_steps: int) -> float:
    """Returns the largest rise along Auto-PGD (arXiv:2003.01690) with sign steps."""
    radius = [rho * xp.abs(w) for w in weights]
    point, previous, size = weights, weights, 2.0
    loss, slope = gradient(point)
    start = last = best = loss
    best_point, best_slope, rises, since, checkpoint = point, slope, 0, 0, math.ceil(0.22 * num_steps)
    for k in range(num_steps):
        steps = [p + size * r * xp.sign(g) for p, r, g in zip(point, radius, slope, strict=True)]
        target, share = _clipped(xp, steps, weights, radius), 1.0 if k == 0 else 0.75
        moved = [p + share * (z - p) + (1 - share) * (p - q) for p, z, q in zip(point, target, previous, strict=True)]
        previous, point = point, _clipped(xp, moved, weights, radius)
        loss, slope = gradient(point)
        rises, last = rises + (loss > last), loss
        if loss > best:
            best, best_point, best_slope = loss, point, slope
        if k + 1 == checkpoint:
            if rises < 0.75 * (checkpoint - since):
                size, point, slope = size / 2, best_point, best_slope
            rises, since, checkpoint = 0, checkpoint, checkpoint + max(1, num_steps // 6)
    return best - start


def _clipped(xp: Any, points: list, weights: list, radius: list) -> list:
    return [xp.maximum(xp.minimum(p, w + r), w - r) for p, w, r in zip(points, weights, radius, strict=True)]


def in_torch(name: str) -> tuple[Any, list, Gradient]:
    """Returns the module `torch`, the weights of a network, and its loss and gradient."""
    import torch
    from torch.func import functional_call

    from benchmarks.torch_networks import BUILD

    network = BUILD[name]().eval()
    names = [name for name, _ in network.named_parameters()]

    def gradient(weights: list, x: Any, y: Any) -> tuple[float, list]:
        weights = [w.detach().requires_grad_() for w in weights]
        outputs = functional_call(network, dict(zip(names, weights, strict=True)), (x,))
        loss = torch.nn.functional.cross_entropy(outputs, y)
        return loss.item(), list(torch.autograd.grad(loss, weights))

    return torch, [p.detach() for p in network.parameters()], gradient


def in_keras(name: str) -> tuple[Any, list, Gradient]:
    """Returns the module `tensorflow`, the weights of a network, and its compiled loss and gradient."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras
    import tensorflow as tf

    from benchmarks.networks import BUILD

    network = BUILD[name]()
    loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    state = [v.value for v in network.non_trainable_variables]

    @tf.function
    def compiled(weights: list, x: Any, y: Any) -> tuple[Any, list]:
        with tf.GradientTape() as tape:
            tape.watch(weights)
            outputs, _ = network.stateless_call(weights, state, x, training=False)
            loss = loss_fn(y, outputs)
        return loss, tape.gradient(loss, weights)

    def gradient(weights: list, x: Any, y: Any) -> tuple[float, list]:
        loss, slope = compiled(weights, x, y)
        return float(loss), slope

    return tf, [tf.convert_to_tensor(v.value) for v in network.trainable_variables], gradient


def main(framework: str, name: str) -> None:
    """Times three measurements with different radii."""
    xp, weights, gradient = (in_torch if framework == "torch" else in_keras)(name)
    case, x, y = examples(name)
    if framework == "torch" and len(case.shape) == 3:
        x = np.ascontiguousarray(np.moveaxis(x, -1, 1))
    x, y = (
        (xp.as_tensor if framework == "torch" else xp.convert_to_tensor)(x),
        (xp.as_tensor if framework == "torch" else xp.convert_to_tensor)(y),
    )
    climb = pga if case.maximizer == "PGA" else apgd

    def call(rho: float) -> float:
        rises = []
        for start in range(0, M * NUM_BATCHES, M):
            batch = (x[start : start + M], y[start : start + M])
            rises.append(climb(xp, lambda w, batch=batch: gradient(w, *batch), weights, rho, case.num_steps))
        return float(np.mean(rises))

    print(json.dumps(timed_calls(call, RHOS)))


if __name__ == "__main__":
    main(*sys.argv[1:])
