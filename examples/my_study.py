"""A pool of my own models: which measure ranks their generalization?

Run it with

    python main.py --study=examples/my_study.py

and read runs/hyper/my_study/report.html. Copy this file and change what you like.
"""

import keras
import numpy as np


def build(width, depth):
    """Returns a model for each setting. Its arguments are hyper-parameters of your choice."""
    hidden = [keras.layers.Dense(width, "relu") for _ in range(depth)]
    return keras.Sequential([keras.Input((20,)), *hidden, keras.layers.Dense(3)])


def data():
    """Returns the training and the test examples: arrays, tf.data, PyDataset, DataLoader or a Graph."""
    rng = np.random.default_rng(0)
    centres, y = rng.normal(size=(3, 20)), rng.integers(0, 3, 1200)
    x = (centres[y] + 2 * rng.normal(size=(1200, 20))).astype("float32")
    return (x[:600], y[:600]), (x[600:], y[600:])


# Each list holds the values of a hyper-parameter; all combinations are trained. `learning_rate`, `weight_decay`,
# `batch_size` and `optimizer` are the training's, the others go to `build`.
space = {
    "width": [16, 32],
    "depth": [1, 2],
    "learning_rate": [0.03, 0.1],
    "batch_size": [16, 64],
}
seeds = 2
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
# All models stop at the same training loss, so that none is better only because it has trained further.
stop_loss = 0.3
max_epochs = 200
# "all", "cheap", or names: python -c "import keras_sharpness as ks; print(*ks.complexity.MEASURES, sep='\n')"
measures = ["param_norm", "dist_from_init", "path_norm", "inverse_margin", "gradient_norm", "worst_case"]
