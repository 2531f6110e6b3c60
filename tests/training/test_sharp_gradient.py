"""Fifty steps agree with slow float64 versions of the papers' algorithms."""

import keras
import numpy as np
import pytest

import keras_sharpness as ks
from tests.support import sam_reference as slow
from tests.support.sam_reference import SAMPLE_WEIGHT
from tests.support.sam_training import fit

SGD = keras.optimizers.SGD
SUMS = keras.losses.MeanSquaredError(reduction="sum")


def once(rule, **options):
    return lambda fn, w, rho: rule(fn(w)[1], w, rho, **options)


def several(fn, w, rho):
    """Three steps of projected gradient ascent in the l2 ball."""
    delta = [0 * v for v in w]
    for _ in range(3):
        g = fn([a + b for a, b in zip(w, delta, strict=True)])[1]
        delta = [a + 0.5 * b for a, b in zip(delta, g, strict=True)]
        delta = [rho * a / max(np.linalg.norm(slow.flat(delta)), rho) for a in delta]
    return delta


def kernels_only(fn, w, rho):
    g = fn(w)[1]
    return slow.sam([g[0], 0 * g[1], g[2], 0 * g[3]], w, rho)


DECAY = {"initial_learning_rate": 0.3, "decay_steps": 5, "decay_rate": 0.7}
CASES = {
    "sam": ({}, once(slow.sam), {}),
    "asam": ({"adaptive": True, "eta": 0.01}, once(slow.asam, eta=0.01), {}),
    "asam_without_biases": (
        {"adaptive": "no_biases", "eta": 0.01},
        once(slow.asam, eta=0.01, scaled=(True, False, True, False)),
        {},
    ),
    "linf": ({"norm": "linf"}, once(slow.sam_linf), {}),
    "m": ({"m": 4}, once(slow.sam), {"m": 4}),
    "m_of_sums": ({"m": 4}, once(slow.sam), {"m": 4, "sums": True}),
    "every": ({"every": 3}, once(slow.sam), {"every": 3}),
    "m_and_every": ({"every": 2, "m": 5}, once(slow.asam), {"every": 2, "m": 5}),
    "several_steps": (
        {"maximizer": ks.PGA(num_steps=3, step_size=0.5, coordinates="scaled")},
        several,
        {},
    ),
    "select": ({"select": "kernels"}, kernels_only, {}),
    "sample_weight": ({}, once(slow.sam), {"sample_weight": SAMPLE_WEIGHT}),
    "schedule": (
        {"rho": keras.optimizers.schedules.ExponentialDecay(**DECAY)},
        once(slow.sam),
        {"radius": lambda step: 0.3 * 0.7 ** (step / 5)},
    ),
}
CASES["m_and_every"][0]["adaptive"] = True


# What differs from these only in closed forms that have tests of their own is left to `make backends`.
QUICK = ("sam", "asam_without_biases", "m", "m_of_sums", "m_and_every", "several_steps")
MARKED = [name if name in QUICK else pytest.param(name, marks=pytest.mark.again) for name in CASES]


@pytest.mark.parametrize("name", MARKED)
def test_fifty_steps_of_the_algorithm_in_float64(name):
    options, perturb, how = CASES[name]
    rate = 0.02 if how.get("sums") else 0.1
    losses, expected = slow.train(SGD(rate), perturb, **how)
    trainer = ks.SAM(slow.network(), **{"rho": 0.1, **options})
    loss = SUMS if how.get("sums") else "mean_squared_error"
    found = fit(trainer, SGD(rate), loss, sample_weight=how.get("sample_weight"))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    # The loss that `fit` shows is that of the weights, not of the perturbed ones.
    history = trainer.history.history["loss"]
    np.testing.assert_allclose(history, np.mean(np.reshape(losses, (10, 5)), axis=1), rtol=1e-5)
