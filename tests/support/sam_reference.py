"""Sharpness-aware minimization of a 3-4-2 tanh network as its papers write it, in slow float64 NumPy."""

import keras
import numpy as np

_RNG = np.random.default_rng(5)
X = _RNG.normal(size=(50, 3)).astype("float32")
Y = np.stack([np.sin(2 * X[:, 0]), X[:, 1] * X[:, 2]], axis=1).astype("float32")
SAMPLE_WEIGHT = _RNG.uniform(0.5, 2, size=50).astype("float32")
BATCH = 10
PENALTY = 0.01


def network() -> keras.Model:
    """The network, its weights drawn from a seed, its first kernel penalized by PENALTY times the sum of squares."""
    hidden = keras.layers.Dense(4, activation="tanh", kernel_regularizer=keras.regularizers.L2(PENALTY))
    model = keras.Sequential([keras.Input((3,)), hidden, keras.layers.Dense(2)])
    rng = np.random.default_rng(3)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    return model


def value_and_gradient(w, x, y, sample_weight=None, sums=False):
    """Loss and gradient of mean (or summed) squared errors, each a mean over the two outputs."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    weight = np.ones(len(x)) if sample_weight is None else sample_weight.astype(np.float64)
    weight = weight / (1 if sums else len(x))
    hidden = np.tanh(x @ w[0] + w[1])
    error = hidden @ w[2] + w[3] - y
    value = (weight * (error**2).mean(axis=1)).sum() + PENALTY * (w[0] ** 2).sum()
    slope = error * weight[:, None]
    inner = slope @ w[2].T * (1 - hidden**2)
    gradient = [x.T @ inner, inner.sum(axis=0), hidden.T @ slope, slope.sum(axis=0)]
    gradient[0] = gradient[0] + 2 * PENALTY * w[0]
    return value, gradient


def flat(arrays):
    return np.concatenate([np.ravel(a) for a in arrays])


def sam(g, w, rho):
    """arXiv:2010.01412, equation 2 with p = 2."""
    return [rho * part / np.linalg.norm(flat(g)) for part in g]


def sam_linf(g, w, rho):
    """arXiv:2010.01412, equation 2 with p = infinity."""
    return [rho * np.sign(part) for part in g]


def asam(g, w, rho, eta=0.0, scaled=(True,) * 4):
    """arXiv:2102.11600, equation 9, T = |w| + eta for scaled weights and 1 for the others."""
    t = [np.abs(v) + eta if own else np.ones_like(v) for v, own in zip(w, scaled, strict=True)]
    norm = np.linalg.norm(flat([a * b for a, b in zip(t, g, strict=True)]))
    return [rho * a**2 * b / norm for a, b in zip(t, g, strict=True)]


def train(optimizer, perturb, steps=50, m=None, sample_weight=None, sums=False, every=1, radius=lambda step: 0.1):
    """Returns losses and last weights of steps of a real optimizer along gradients at perturbed weights.

    Args:
        optimizer: A Keras optimizer.
        perturb: From (gradient function, weights, radius) to the perturbation.
        steps: How many.
        m: Examples that climb together.
        sample_weight: Weights of the examples.
        sums: Whether losses are sums.
        every: Steps from one that climbs to the next.
        radius: From a step to the radius.
    """
    dtype = "float32" if keras.config.backend() == "jax" else "float64"
    w = [keras.ops.convert_to_numpy(v.value).astype(np.float64) for v in network().trainable_variables]
    variables = [keras.Variable(v, dtype=dtype) for v in w]
    losses = []
    for step in range(steps):
        rows = np.arange(step * BATCH, (step + 1) * BATCH) % len(X)
        w = [np.array(keras.ops.convert_to_numpy(v.value), np.float64) for v in variables]

        def at(w, rows):
            return value_and_gradient(w, X[rows], Y[rows], None if sample_weight is None else sample_weight[rows], sums)

        losses.append(at(w, rows)[0])
        parts = [rows] if m is None else np.split(rows, range(m, len(rows), m))
        gradient = [np.zeros_like(v) for v in w]
        for part in parts:
            delta = [0 * v for v in w] if step % every else perturb(lambda v, p=part: at(v, p), w, radius(step))
            found = at([a + b for a, b in zip(w, delta, strict=True)], part)[1]
            if sums:
                # Each part has the whole penalty, of which it is to hold its share.
                found[0] = found[0] + 2 * PENALTY * (w[0] + delta[0]) * (len(part) / len(rows) - 1)
                share = 1
            else:
                share = len(part) / len(rows)
            gradient = [a + share * b for a, b in zip(gradient, found, strict=True)]
        optimizer.apply([keras.ops.convert_to_tensor(g, dtype=dtype) for g in gradient], variables)
    return losses, [keras.ops.convert_to_numpy(v.value) for v in variables]
