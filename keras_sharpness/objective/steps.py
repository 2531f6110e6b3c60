"""The steps of a model, and what is known of each."""

import keras

# Layers without weights that work on each number by itself.
ELEMENTWISE = (
    *(keras.layers.InputLayer, keras.layers.Dropout, keras.layers.Activation),
    *(keras.layers.ReLU, keras.layers.ELU, keras.layers.LeakyReLU),
)
