"""Draws the loss landscape through trainings on Abalone: paths, barriers, a plane through seeds, the sharpest axes.

    KERAS_BACKEND=jax python scripts/landscape_of_training.py

writes into `runs/training/landscape/`, a figure and a table each:

    paths      gradient descent with and without momentum from one start, on the plane of their principal components
    barrier    the loss on the line between two seeds; `barrier_one_start`: from one start in two orders
    seeds      the plane through three seeds
    hessian    the plane of the two leading eigenvectors of the Hessian at the end, with the last steps of training

The network is 10-32-32-1 with tanh, the loss is the mean squared error on Abalone's training split.
"""

from pathlib import Path

import keras
import pandas as pd

import keras_sharpness as ks

FOLDER = Path(__file__).parents[1] / "runs" / "training" / "landscape"
EPOCHS, RATE, POINTS, LAST = 30, 0.01, 41, 15
DATA = ks.data.load("abalone")
X, Y = DATA.x[DATA.train], DATA.y[DATA.train]


def train(seed: int, momentum: float, order: int = 0) -> tuple[keras.Model, ks.Trajectory]:
    """Trains a network.

    Args:
        seed: Seed of its initial weights.
        momentum: Momentum of gradient descent.
        order: Seed of the shuffles.

    Returns:
        The network and its path.
    """
    keras.utils.set_random_seed(seed)
    hidden = [keras.layers.Dense(32, activation="tanh") for _ in range(2)]
    model = keras.Sequential(
        [keras.Input((10,)), *hidden, keras.layers.Dense(1)], name=f"seed_{seed}" + "_reshuffled" * order
    )
    model.compile(keras.optimizers.SGD(RATE, momentum=momentum), "mean_squared_error")
    path = ks.Trajectory(every_steps=20, max_checkpoints=60)
    keras.utils.set_random_seed(1000 + order)
    model.fit(X, Y, batch_size=64, epochs=EPOCHS, verbose=0, callbacks=[path])
    return model, path


def keep(name: str, result: ks.landscape.Plane | ks.landscape.Barrier) -> None:
    """Writes a result's figure and tables.

    Args:
        name: Name of the files.
        result: The result.
    """
    print(name, result)
    result.plot().savefig(FOLDER / f"{name}.png", dpi=150)
    result.to_frame().to_csv(FOLDER / f"{name}.csv", index=False, float_format="%.6g")
    shown = getattr(result, "shown", {})
    if shown:
        tables = [placed.to_frame().assign(name=name) for name, placed in shown.items()]
        pd.concat(tables).to_csv(FOLDER / f"{name}_shown.csv", index=False, float_format="%.6g")


def main() -> None:
    """Trains, and writes everything."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    plain, plain_path = train(0, 0.0)
    first, path = train(0, 0.9)
    axes = ks.landscape.principal_directions(plain_path, path)
    show = {"gradient descent": plain_path, "with momentum 0.9": path}
    keep("paths", ks.landscape.plane(first, X, Y, directions=axes, show=show, num_points=POINTS))
    second, third = (train(seed, 0.9)[0] for seed in (1, 2))
    keep("barrier", ks.landscape.barrier(first, X, Y, other=second))
    keep("barrier_one_start", ks.landscape.barrier(first, X, Y, other=train(0, 0.9, order=1)[0]))
    seeds = {"seed 0": first, "seed 1": second, "seed 2": third}
    keep("seeds", ks.landscape.plane(first, X, Y, directions=(second, third), show=seeds, num_points=POINTS))
    sharpest = ks.landscape.hessian_directions(first, X, Y)
    last = {f"steps {path.steps[-LAST]} to {path.steps[-1]}": path.checkpoints[-LAST:]}
    keep("hessian", ks.landscape.plane(first, X, Y, directions=sharpest, show=last, num_points=POINTS))


if __name__ == "__main__":
    main()
