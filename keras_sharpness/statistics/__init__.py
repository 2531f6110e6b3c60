"""What a pool of models says about sharpness and generalization. Needs NumPy and SciPy only."""

from keras_sharpness.statistics.correlation import Kendall, kendall

__all__ = ["Kendall", "kendall"]
