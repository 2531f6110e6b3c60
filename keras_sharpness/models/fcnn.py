"""The fully connected network for Abalone."""

import keras


def fcnn(
    num_features: int = 10,
    units: int = 64,
    num_outputs: int = 1,
    activation: str = "relu",
    output_activation: str | None = None,
) -> keras.Model:
    """Builds the 10-64-64-1 network of the paper's section III.A.

    Args:
        num_features: Input features.
        units: Units of each of the two hidden layers.
        num_outputs: Outputs.
        activation: Activation of the hidden layers; the paper's text says ReLU.
        output_activation: Activation of the outputs; none in the paper's text.

    Returns:
        Model from (batch, num_features) to (batch, num_outputs).
    """
    return keras.Sequential(
        [
            keras.Input((num_features,)),
            keras.layers.Dense(units, activation=activation),
            keras.layers.Dense(units, activation=activation),
            keras.layers.Dense(num_outputs, activation=output_activation),
        ],
        name="fcnn",
    )
