"""A finished run, made up."""

import numpy as np
import pandas as pd

from keras_sharpness.statistics import kendall

CONFIG = {
    "model": "gat",
    "dataset": "cora",
    "protocol": "paper",
    "num_models": 50,
    "seed": 7,
    "training": {"learning_rate": 0.236, "batch_size": 64, "min_epochs": 10, "max_epochs": 20},
    "sharpness": {
        "rho": 0.02,
        "norm": "linf",
        "scaling": "adaptive",
        "maximizer": {"name": "PGA", "num_steps": 5, "step_size": 0.236},
        "m": 64,
    },
    "backend": "jax",
    "versions": {"keras": "3.15.1", "torch": None},
    "devices": ["cpu:0", "cpu:1"],
    "command": "python main.py --model=gat --seed=7",
}


def make_models(num_models=50, slope=-0.4, seed=0):
    generator = np.random.default_rng(seed)
    sharpness = generator.normal(0.5, 0.06, num_models)
    return pd.DataFrame(
        {
            "index": np.arange(num_models),
            "seed": np.arange(num_models),
            "epochs": generator.integers(10, 20, num_models),
            "train_loss": generator.normal(0.9, 0.1, num_models),
            "test_loss": 1.6 + slope * (sharpness - 0.5) + generator.normal(0, 0.02, num_models),
            "train_error": generator.uniform(0, 0.1, num_models),
            "test_error": generator.uniform(0.2, 0.4, num_models),
            "sharpness": sharpness,
            "sharpness_standard_error": 0.03 * sharpness,
        }
    )


def make_summary(models):
    finite = models[np.isfinite(models[["sharpness", "test_loss"]]).all(axis=1)]
    result = kendall(finite["sharpness"], finite["test_loss"], num_resamples=1000)
    return {
        "tau": result.tau,
        "p_value": result.p_value,
        "tau_ci_low": result.ci_low,
        "tau_ci_high": result.ci_high,
        "num_models": len(finite),
        "num_diverged": len(models) - len(finite),
        "seconds_training": 12.5,
        "seconds_sharpness": 3.25,
    }
