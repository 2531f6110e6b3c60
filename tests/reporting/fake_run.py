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

SWEEP_CSV = """rho,m,mean_sharpness,tau,tau_ci_low,tau_ci_high,num_models
0.01,64,0.02,-0.5,-0.75,-0.25,50
0.02,64,0.04,-0.25,-0.5,0.125,50
0.01,full,0.02,,,,2
0.02,full,0.04,0.25,-0.125,0.5,50
"""
ABLATION_CSV = """step,particular,released,paper,sharpness_median,sharpness_mean,test_loss_median,\
tau,tau_ci_low,tau_ci_high,num_models
0,nothing,,,0.01,0.02,1.25,0.5,0.25,0.75,50
1,dropout,None,0.6,0.02,0.03,1.5,-0.25,-0.5,0.125,50
"""


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


def cloud(num_models, level=0.5, seed=0, sign=1.0):
    """A pool as a table of others holds it."""
    x, noise = np.random.default_rng(seed).normal(size=(2, num_models))
    return pd.DataFrame({"sharpness": level * np.exp(0.1 * x), "test_loss": 1.6 + 0.05 * (sign * x + noise)})


def make_details(num_models=40, noise=2.0, seed=0):
    """Rises on 6 batches, gradient norms and losses of 30 test examples; means are related, single numbers noisy."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(1, 3, (num_models, 1))
    rises = 0.4 * level + 0.2 * noise * rng.normal(size=(num_models, 6))
    norms = level + 0.2 * rng.normal(size=(num_models, 6))
    return {"rises": rises, "gradient_norms": norms, "test_losses": level + noise * rng.normal(size=(num_models, 30))}
