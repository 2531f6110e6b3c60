"""Every norm beside an independent version in float64 NumPy."""

import math

import numpy as np
import pytest

from keras_sharpness.complexity import norm_measures
from tests.support.complexity_models import convolutional, learned, numpy_of, perceptron, trained

SAMPLES = {"dense": lambda: learned(perceptron(), 50), "convolution": lambda: learned(convolutional(), 50)}


def spectral(kernel):
    """Dense, or a 3 x 3 convolution of inputs of 6 x 6."""
    matrices = np.fft.fft2(kernel, (6, 6), axes=(0, 1)) if kernel.ndim == 4 else kernel
    return np.linalg.svd(matrices, compute_uv=False).max()


def reshaped(kernel):
    return np.linalg.norm(kernel.reshape(-1, kernel.shape[-1]), 2)


def formulas(kernels, moves, gamma, of):
    """The formulas of the papers, as printed."""
    d = len(kernels)
    spec, moved = np.array([of(k) for k in kernels]), np.array([of(k) for k in moves])
    fro, dist = (np.array([np.sqrt(np.sum(k**2)) for k in ks]) for ks in (kernels, moves))
    product, products = np.prod(spec**2), np.prod(fro**2)
    return {
        "spectral_init_main": product * np.sum(dist**2 / spec**2) / gamma**2,
        "spectral_orig_main": product * np.sum(fro**2 / spec**2) / gamma**2,
        "prod_of_spec_over_margin": product / gamma**2,
        "prod_of_spec": product,
        "fro_over_spec": np.sum(fro**2 / spec**2),
        "sum_of_spec_over_margin": d * (product / gamma**2) ** (1 / d),
        "sum_of_spec": d * product ** (1 / d),
        "dist_spec_init": np.sum(moved**2),
        "prod_of_fro_over_margin": products / gamma**2,
        "prod_of_fro": products,
        "sum_of_fro_over_margin": d * (products / gamma**2) ** (1 / d),
        "sum_of_fro": d * products ** (1 / d),
        "dist_from_init": np.sum(dist**2),
        "param_norm": np.sum(fro**2),
    }


@pytest.mark.parametrize("kind", SAMPLES)
def test_formulas(kind):
    found = trained(SAMPLES[kind]())
    kernels = [layer.kernel for layer in found.layers]
    moves = [a - b.kernel for a, b in zip(kernels, found.initial_layers, strict=True)]
    expected = formulas(kernels, moves, found.margin, spectral)
    for name, value in expected.items():
        assert getattr(norm_measures, name)(found) == pytest.approx(value, rel=1e-9), name
    for name, value in list(formulas(kernels, moves, found.margin, reshaped).items())[:8]:
        assert getattr(norm_measures, name)(found, reshaped=True) == pytest.approx(value, rel=1e-9), name
    assert norm_measures.path_norm_over_margin(found) == norm_measures.path_norm(found) / found.margin**2


@pytest.mark.parametrize("kind", SAMPLES)
def test_margin_bounds(kind):
    found = trained(SAMPLES[kind]())
    widths, n, d = ([1, 1], 1, 2) if kind == "dense" else ([3, 1, 1], 6, 3)
    outputs = [len(layer.bias) for layer in found.layers]
    factor = 84 * found.largest_input * sum(k * math.sqrt(c) for k, c in zip(widths, outputs, strict=True))
    factor = (factor + math.sqrt(math.log(4 * n**2 * d))) ** 2
    rest = math.log(50 / 0.01) / found.margin**2
    for name in ("spectral_init", "spectral_orig"):
        main = getattr(norm_measures, f"{name}_main")(found)
        assert getattr(norm_measures, name)(found) == pytest.approx(factor * main + rest, rel=1e-9)


def test_norms_of_all_weights():
    found = trained(learned(perceptron()))
    arrays = [numpy_of(v) for v in found.model.trainable_variables]
    moves = [a - b for a, b in zip(arrays, found.initial, strict=True)]
    assert norm_measures.l2_norm(found) == pytest.approx(math.sqrt(sum(np.sum(a**2) for a in arrays)))
    assert norm_measures.l2_distance(found) == pytest.approx(math.sqrt(sum(np.sum(a**2) for a in moves)))


def test_without_a_margin_and_with_a_dead_layer():
    wrong = trained(learned(perceptron(), 50, wrong=20))
    assert norm_measures.spectral_orig(wrong) == norm_measures.sum_of_fro_over_margin(wrong) == math.inf
    model = perceptron()
    model.layers[0].kernel.assign(np.zeros((5, 4)))
    dead = trained(learned(model))
    assert norm_measures.prod_of_spec(dead) == 0 and math.isnan(norm_measures.fro_over_spec(dead))
