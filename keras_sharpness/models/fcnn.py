"""The fully connected network for Abalone."""

import keras


def fcnn(num_features: int = 10, units: int = 64, num_outputs: int = 1) -> keras.Model:
    """Builds the 10-64-64-1 ReLU network of the paper's section III.A.

    Args:
        num_features: Input features.
        units: Units of each of the two hidden layers.
        num_outputs: Linear outputs.

    Returns:
        Model from (batch, num_features) to (batch, num_outputs).
    """
    return keras.Sequential(
        [
            keras.Input((num_features,)),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dense(num_outputs),
        ],
        name="fcnn",
    )
