"""Prints how often the intervals of `keras_sharpness.statistics` hold the truth: the table of docs/statistics.md.

    python scripts/simulate_coverage.py [--scale=0.1] [--only=paired]

Takes about 6 minutes on one core. `--scale` multiplies the number of simulated pools; `--only` chooses the rows whose
name holds a text. A row's random numbers do not depend on the other rows.
"""

import argparse
from collections.abc import Callable, Iterator

import numpy as np

from keras_sharpness import statistics

SIZES = {50: 400, 200: 200, 1000: 100}  # models in a pool: simulated pools
ROW = "| {name} | {size} | {truth:.3f} | {mean:.3f} | {coverage:.1f} % | {positives} | {pools} |"
HEAD = """| quantity | models | truth | mean | coverage | p < 0.05 | pools |
| --- | --- | --- | --- | --- | --- | --- |"""


def tau_of(link: float) -> float:
    """Returns tau of normal pairs of this correlation."""
    return float(2 / np.pi * np.arcsin(link))


def linked(link: float, num_models: int, rng: np.random.Generator) -> np.ndarray:
    """Returns normal pairs of this correlation, shape (2, num_models)."""
    own, other = rng.normal(size=(2, num_models))
    return np.stack([own, link * own + np.sqrt(1 - link**2) * other])


def conditional(method: str, shape: Callable[[np.ndarray], np.ndarray], link: float) -> Callable:
    """Returns a simulation in which a third quantity explains two thirds of the variance of both."""

    def simulate(num_models: int, rng: np.random.Generator) -> tuple[float, float, float, float]:
        z = rng.normal(size=num_models)
        x, y = shape(z) + 0.7 * linked(link, num_models, rng)
        r = statistics.conditional_kendall(x, y, [z], method)
        return r.tau, r.ci_low, r.ci_high, r.p_value

    return simulate


def stratified(link: float) -> Callable:
    """Returns a simulation in which four strata shift both quantities by the same."""

    def simulate(num_models: int, rng: np.random.Generator) -> tuple[float, float, float, float]:
        epochs = rng.integers(4, size=num_models)
        r = statistics.stratified_kendall(*(linked(link, num_models, rng) + 2 * epochs), epochs).pooled
        return r.tau, r.ci_low, r.ci_high, r.p_value

    return simulate


def paired(links: tuple[float, float]) -> Callable:
    """Returns a simulation of two measures whose noise has the correlation 0.9."""

    def simulate(num_models: int, rng: np.random.Generator) -> tuple[float, float, float, float]:
        loss, noise = rng.normal(size=num_models), linked(0.9, num_models, rng)
        a, b = (link * loss + np.sqrt(1 - link**2) * own for link, own in zip(links, noise, strict=True))
        r = statistics.compare_paired_taus((a, loss), (b, loss))
        return r.difference, r.ci_low, r.ci_high, r.p_value

    return simulate


def corrected(link: float) -> Callable:
    """Returns a simulation of sharpness from 20 batches, of reliability 0.69."""

    def simulate(num_models: int, rng: np.random.Generator) -> tuple[float, float, float, float]:
        quality, loss = linked(link, num_models, rng)
        rises = quality[:, None] + 3 * rng.normal(size=(num_models, 20))
        r = statistics.disattenuated_kendall(rises, loss).corrected
        return r.tau, r.ci_low, r.ci_high, r.p_value

    return simulate


def crossed(link: float) -> Callable:
    """Returns a simulation with 10 batches and 40 test examples, shared by all models; 200 resamples."""

    def simulate(num_models: int, rng: np.random.Generator) -> tuple[float, float, float, float]:
        quality, loss = linked(link, num_models, rng)
        rises = quality[:, None] + rng.normal(size=10) + rng.normal(size=(num_models, 10))
        losses = loss[:, None] + rng.normal(size=40) + 2 * rng.normal(size=(num_models, 40))
        r = statistics.crossed_bootstrap(rises, losses, num_resamples=200)
        return r.tau, r.ci_low, r.ci_high, r.p_value

    return simulate


def combined(mean: float, between: float) -> Callable:
    """Returns a simulation of groups of 50 models whose true taus vary between groups with this standard deviation."""

    def simulate(num_groups: int, rng: np.random.Generator) -> tuple[float, float, float, float]:
        links = np.sin(np.pi / 2 * np.clip(mean + between * rng.normal(size=num_groups), -0.99, 0.99))
        pools = [linked(link, 50, rng) for link in links]
        taus = [statistics.kendall(*pool, num_resamples=1).tau for pool in pools]
        r = statistics.random_effects(taus, [statistics.jackknife_interval(*pool)[0] for pool in pools])
        return r.mean, r.ci_low, r.ci_high, r.p_value

    return simulate


def cases() -> Iterator[tuple[str, Callable, float, dict[int, int]]]:
    """Yields names, simulations, true values and sizes."""
    for method in ("residual", "matched", "copula"):
        for link in (0.0, 0.6):
            name = f"given, {method}" + (", independent" if link == 0 else "")
            yield name, conditional(method, lambda z: z, link), tau_of(link), SIZES
        yield f"given, {method}, independent, curved", conditional(method, lambda z: z**2 - z, 0.0), 0.0, SIZES
    for link in (0.0, 0.6):
        yield "stratified", stratified(link), tau_of(link), SIZES
        yield "paired difference", paired((0.6, 0.6 - link)), tau_of(0.6) - tau_of(0.6 - link), SIZES
        yield "corrected for attenuation", corrected(link), tau_of(link), SIZES
        measured = link / np.sqrt((1 + 1 / 10) * (1 + 4 / 40))
        yield "models, batches, examples", crossed(link), tau_of(measured), {50: 200, 200: 100}
    for between in (0.0, 0.1):
        yield f"groups of 50, spread {between}", combined(-0.2, between), -0.2, {5: 400, 20: 200}


def main() -> None:
    """Simulates and prints a row for each quantity and size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    print(HEAD)
    for number, (name, simulate, truth, sizes) in enumerate(cases()):
        if options.only not in name:
            continue
        for size, pools in sizes.items():
            rng = np.random.default_rng([number, size])
            found = np.array([simulate(size, rng) for _ in range(max(1, round(options.scale * pools)))])
            value, low, high, p_value = found.T
            numbers = {"mean": np.nanmean(value), "coverage": 100 * np.mean((low <= truth) & (truth <= high))}
            positives = f"{100 * np.mean(p_value < 0.05):.1f} %"
            print(
                ROW.format(name=name, size=size, truth=truth, positives=positives, pools=len(found), **numbers),
                flush=True,
            )


if __name__ == "__main__":
    main()
