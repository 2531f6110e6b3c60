"""Trains a small network on all examples at once, and follows its curvature to the edge of stability.

    KERAS_BACKEND=jax python scripts/edge_of_stability.py

writes `runs/training/edge_of_stability/{sgd,sam,adam}.csv` and a figure beside each. The network is 10-32-32-1 with
tanh, the examples are the first 512 of Abalone's training split, the loss is the mean squared error (arXiv:2103.00065
for gradient descent, arXiv:2207.14484 for Adam). 2000 steps, measured at each tenth.
"""

import sys
from pathlib import Path

import keras

import keras_sharpness as ks

FOLDER = Path(__file__).parents[1] / "runs" / "training" / "edge_of_stability"
STEPS = 2000
RATES = {"sgd": 0.05, "sam": 0.05, "adam": 0.001}


def main(name: str) -> None:
    """Trains with one optimizer.

    Args:
        name: "sgd", "sam" (with the same optimizer) or "adam".
    """
    data = ks.data.load("abalone")
    x, y = data.x[data.train[:512]], data.y[data.train[:512]]
    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(32, activation="tanh") for _ in range(2)]
    model = keras.Sequential([keras.Input((10,)), *hidden, keras.layers.Dense(1)])
    trainer = ks.SAM(model, rho=0.1) if name == "sam" else model
    optimizer = keras.optimizers.Adam if name == "adam" else keras.optimizers.SGD
    trainer.compile(optimizer(RATES[name]), "mean_squared_error")
    FOLDER.mkdir(parents=True, exist_ok=True)
    measures = ("eigenvalue", "preconditioned", "critical")
    tracker = ks.SharpnessTracker(x, y, every_steps=10, measures=measures, csv_file=FOLDER / f"{name}.csv")
    trainer.fit(x, y, batch_size=len(x), epochs=STEPS, shuffle=False, verbose=0, callbacks=[tracker])
    tracker.plot().savefig(FOLDER / f"{name}.png", dpi=120)


if __name__ == "__main__":
    for chosen in sys.argv[1:] or RATES:
        main(chosen)
