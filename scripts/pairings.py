"""What a mixture of two pools makes of tau: `python scripts/pairings.py RUN [PAIRINGS]`.

RUN is the folder of a study whose sharpness is the ascended loss of another pool's network minus the training loss of
this pool's (`matching` as in the released code). Prints the run's tau, its quantiles next to the published ones, and
the taus of random pairings of the same ascended and training losses. Where the folder still holds the loss paths, also
the medians after each epoch of the ascents.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from keras_sharpness.pools.store import PoolStore
from keras_sharpness.reporting.published import PUBLISHED, published_points
from keras_sharpness.statistics import kendall

QUANTILES = [0, 0.25, 0.5, 0.75, 1]


def main(folder: Path, pairings: int = 1000) -> None:
    """Prints the numbers.

    Args:
        folder: The run's folder.
        pairings: How many.
    """
    models, points = pd.read_csv(folder / "models.csv"), published_points().query("model == 'fcnn'")
    found = kendall(models["sharpness"], models["test_loss"])
    print(f"tau {found.tau:.3f} [{found.ci_low:.3f}, {found.ci_high:.3f}], published {PUBLISHED['fcnn'].tau}")
    for name in ("sharpness", "test_loss"):
        for whose, table in (("ours", models), ("published", points)):
            print(f"{name}, {whose}:", *(f"{value:.4f}" for value in table[name].quantile(QUANTILES)))
    ascended, trained = (models["sharpness"] + models["train_loss"]).to_numpy(), models["train_loss"].to_numpy()
    print(f"ascended losses: median {np.median(ascended):.4f}, standard deviation {ascended.std(ddof=1):.4f}")
    rng = np.random.default_rng(0)
    for size in (len(models), PUBLISHED["fcnn"].num_models):
        taus = [_paired(ascended, trained, models["test_loss"].to_numpy(), size, rng) for _ in range(pairings)]
        low, middle, high = np.quantile(taus, [0.025, 0.5, 0.975])
        share = np.mean(np.array(taus) >= PUBLISHED["fcnn"].tau)
        print(f"{pairings} pairings of {size} networks: tau {middle:.3f} [{low:.3f}, {high:.3f}]", end="")
        print(f", {100 * share:.1f} % at or above the published one")
    _print_epochs(PoolStore(folder), len(models))


def _paired(ascended: np.ndarray, trained: np.ndarray, test: np.ndarray, size: int, rng: np.random.Generator) -> float:
    ours, theirs = (rng.permutation(len(trained))[:size] for _ in range(2))
    # The interval of each pairing does not matter here.
    return float(pd.Series(ascended[theirs] - trained[ours]).corr(pd.Series(test[ours]), method="kendall"))


def _print_epochs(store: PoolStore, num_models: int) -> None:
    if store.measured() < set(range(num_models)):
        print("no loss paths in the folder: the run's command makes them")
        return
    epochs = np.array([store.load_paths(index)[0, 1:] for index in range(num_models)])
    print("after each epoch, median:", *(f"{value:.4f}" for value in np.median(epochs, axis=0)))
    print("after each epoch, standard deviation:", *(f"{value:.4f}" for value in epochs.std(axis=0, ddof=1)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
