"""Corrupted pictures (Hendrycks and Dietterich 2019, arXiv:1903.12261), with the strengths that they took for CIFAR-10.

Six corruptions that need nothing but NumPy and SciPy. Draws come from a seed and are the same on every machine.
"""

from collections.abc import Callable

import numpy as np

from keras_sharpness.errors import require, require_seed

Corruption = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
"""From pictures with values from 0 to 1, a strength and a source of draws to pictures."""


def gaussian_noise(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Returns pictures plus normal noise of a standard deviation."""
    return x + rng.normal(0, strength, x.shape)


def shot_noise(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Returns counts of photons: Poisson draws with a mean of `strength` at full brightness."""
    return rng.poisson(x * strength) / strength


def impulse_noise(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Returns pictures with a share of the pixels white or black, half of them each."""
    drawn = rng.uniform(size=x.shape)
    return np.where(drawn < strength / 2, 1.0, np.where(drawn < strength, 0.0, x))


def gaussian_blur(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Returns averages of neighbouring pixels, with normal weights of a standard deviation in pixels."""
    from scipy.ndimage import gaussian_filter

    del rng
    return np.asarray(gaussian_filter(x, (0, strength, strength, 0)))


def brightness(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Returns pictures plus a constant."""
    del rng
    return x + strength


def contrast(x: np.ndarray, strength: float, rng: np.random.Generator) -> np.ndarray:
    """Returns pictures with the distance of each pixel from their mean times a factor."""
    del rng
    means = x.mean(axis=(1, 2), keepdims=True)
    return (x - means) * strength + means


CORRUPTIONS: dict[str, tuple[Corruption, tuple[float, ...]]] = {
    "gaussian_noise": (gaussian_noise, (0.04, 0.06, 0.08, 0.09, 0.10)),
    "shot_noise": (shot_noise, (500, 250, 100, 75, 50)),
    "impulse_noise": (impulse_noise, (0.01, 0.02, 0.03, 0.05, 0.07)),
    "gaussian_blur": (gaussian_blur, (0.4, 0.6, 0.7, 0.8, 1.0)),
    "brightness": (brightness, (0.05, 0.1, 0.15, 0.2, 0.3)),
    "contrast": (contrast, (0.75, 0.5, 0.4, 0.3, 0.15)),
}
"""Each corruption with its strength at the severities 1 to 5."""


def corrupt(x: np.ndarray, name: str, severity: int = 3, seed: int = 0) -> np.ndarray:
    """Corrupts pictures.

    Args:
        x: Pictures of shape (n, height, width, channels), values from 0 to 1.
        name: One of `CORRUPTIONS`.
        severity: From 1, the weakest, to 5.
        seed: Seed of the draws.

    Returns:
        Pictures of the same shape and type, values from 0 to 1.

    Raises:
        InputError: If there is no such corruption or severity, or `x` holds no such pictures.
    """
    require(name in CORRUPTIONS, f"`name` must be one of {', '.join(CORRUPTIONS)}", name=name)
    require(severity in range(1, 6), "`severity` must be an integer from 1 to 5", severity=severity)
    require_seed(seed)
    require(np.ndim(x) == 4, "`x` must have the shape (n, height, width, channels)", shape=np.shape(x))
    low, high = float(np.min(x)), float(np.max(x))
    require(0 <= low and high <= 1, "`x` must hold values from 0 to 1", smallest=low, largest=high)
    function, strengths = CORRUPTIONS[name]
    corrupted = function(np.asarray(x, np.float64), strengths[severity - 1], np.random.default_rng(seed))
    return np.clip(corrupted, 0, 1).astype(x.dtype)
