"""Slow float64 NumPy versions of the networks, their gradients and the ascent, to check the package against.

A network is a function of (weights, inputs) that returns its outputs and a pullback: from the gradient of the outputs
to the gradients of the weights, in Keras's order. Layers return (output, pullback) with pullback(g) -> (gradient of the
input, [gradients of the weights]).
"""

import numpy as np


def mean_squared_error(targets, outputs):
    difference = outputs - targets
    return np.mean(difference**2), 2 * difference / difference.size


def cross_entropy(labels, logits):
    rows = np.arange(len(labels))
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_softmax = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    gradient = np.exp(log_softmax)
    gradient[rows, labels] -= 1
    return -log_softmax[rows, labels].mean(), gradient / len(labels)


def dense(x, kernel, bias):
    return x @ kernel + bias, lambda g: (g @ kernel.T, [x.T @ g, g.sum(axis=0)])


def relu(x):
    return np.maximum(x, 0), lambda g: (g * (x > 0), [])


def elu(x):
    exponential = np.exp(np.minimum(x, 0))
    return np.where(x > 0, x, exponential - 1), lambda g: (g * np.where(x > 0, 1, exponential), [])


def convolution(x, kernel, bias):
    size = kernel.shape[0]
    patches = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))

    def pull(g):
        padded = np.pad(g, ((0, 0), (size - 1,) * 2, (size - 1,) * 2, (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))
        to_input = np.einsum("nhwoij,ijco->nhwc", windows, kernel[::-1, ::-1], optimize=True)
        return to_input, [np.einsum("nhwcij,nhwo->ijco", patches, g, optimize=True), g.sum(axis=(0, 1, 2))]

    return np.einsum("nhwcij,ijco->nhwo", patches, kernel, optimize=True) + bias, pull


def batch_normalization(x, gamma, beta, mean, variance, epsilon=1e-5):
    scale = 1 / np.sqrt(variance + epsilon)
    normalized = (x - mean) * scale
    axes = tuple(range(x.ndim - 1))
    return gamma * normalized + beta, lambda g: (g * gamma * scale, [(g * normalized).sum(axes), g.sum(axes)])


def max_pooling(x):
    n, height, width, channels = x.shape
    blocks = x.reshape(n, height // 2, 2, width // 2, 2, channels)
    highest = blocks.max(axis=(2, 4), keepdims=True)

    def pull(g):
        return ((blocks == highest) * g[:, :, None, :, None, :]).reshape(x.shape), []

    return highest[:, :, 0, :, 0, :], pull


def flatten(x):
    return x.reshape(len(x), -1), lambda g: (g.reshape(x.shape), [])


def graph_attention(x, kernel, sender_attention, receiver_attention, bias, edges, concat):
    heads, channels = sender_attention.shape
    loops = np.arange(len(x))
    senders, receivers = np.concatenate([edges, [loops, loops]], axis=1)
    hidden = (x @ kernel).reshape(len(x), heads, channels)
    scores = (hidden * sender_attention).sum(-1)[senders] + (hidden * receiver_attention).sum(-1)[receivers]
    exponentials = np.exp(np.where(scores > 0, scores, 0.2 * scores))
    alpha = exponentials / add_at(receivers, exponentials, len(x))[receivers]
    out = add_at(receivers, alpha[..., None] * hidden[senders], len(x))

    def pull(g):
        bias_gradient = g.sum(axis=0)
        g = g.reshape(out.shape) if concat else np.repeat(g[:, None], heads, axis=1) / heads
        g = g[receivers]
        to_alpha = (g * hidden[senders]).sum(-1)
        to_scores = alpha * (to_alpha - add_at(receivers, alpha * to_alpha, len(x))[receivers])
        to_scores = to_scores * np.where(scores > 0, 1, 0.2)
        sent, received = (add_at(ends, to_scores, len(x))[..., None] for ends in (senders, receivers))
        to_hidden = add_at(senders, alpha[..., None] * g, len(x))
        to_hidden = to_hidden + sent * sender_attention + received * receiver_attention
        attention = [(sent * hidden).sum(axis=0), (received * hidden).sum(axis=0)]
        to_hidden = to_hidden.reshape(len(x), -1)
        return to_hidden @ kernel.T, [x.T @ to_hidden, *attention, bias_gradient]

    return (out.reshape(len(x), -1) if concat else out.mean(axis=1)) + bias, pull


def add_at(segments, values, num_segments):
    out = np.zeros((num_segments, *values.shape[1:]))
    np.add.at(out, segments, values)
    return out


def chain(x, layers):
    pullbacks = []
    for layer in layers:
        x, pull = layer(x)
        pullbacks.append(pull)

    def pull_all(g):
        gradients = []
        for pull in reversed(pullbacks):
            g, of_weights = pull(g)
            gradients = of_weights + gradients
        return gradients

    return x, pull_all


def fcnn(w, x):
    return chain(x, [lambda x: dense(x, *w[:2]), relu, lambda x: dense(x, *w[2:4]), relu, lambda x: dense(x, *w[4:])])


def lenet5(w, x, statistics):
    """The network in inference mode; `statistics` are the moving means and variances of both batch norms."""
    blocks = []
    for k in (0, 1):
        blocks += [
            lambda x, k=k: convolution(x, *w[4 * k : 4 * k + 2]),
            lambda x, k=k: batch_normalization(x, *w[4 * k + 2 : 4 * k + 4], *statistics[2 * k : 2 * k + 2]),
            relu,
            max_pooling,
        ]
    hidden = [lambda x: dense(x, *w[8:10]), relu, lambda x: dense(x, *w[10:12]), relu, lambda x: dense(x, *w[12:])]
    return chain(x, [*blocks, flatten, *hidden])


def gat(w, features, edges):
    return chain(
        features,
        [
            lambda x: graph_attention(x, *w[:4], edges, concat=True),
            elu,
            lambda x: graph_attention(x, *w[4:], edges, concat=False),
        ],
    )


def value_and_gradient(network, loss, targets, nodes=None):
    """Returns the function of the weights that an ascent climbs; on a graph, over the given nodes only."""

    def fn(w):
        outputs, pull = network(w)
        chosen = np.arange(len(outputs)) if nodes is None else nodes
        value, gradient = loss(targets, outputs[chosen])
        return value, pull(add_at(chosen, gradient, len(outputs)))

    return fn


def pga_path(fn, weights, rho, step_size, num_steps, scale):
    """The paper's ascent in its own words: a gradient step on the weights, then a clip to w0 +- rho c."""
    start, losses = weights, []
    for _ in range(num_steps):
        value, gradient = fn(weights)
        losses.append(value)
        weights = [w + step_size * g for w, g in zip(weights, gradient, strict=True)]
        weights = [np.clip(w, w0 - rho * c, w0 + rho * c) for w, w0, c in zip(weights, start, scale, strict=True)]
    return np.array([*losses, fn(weights)[0]])
