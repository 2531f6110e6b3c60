"""The data of a study, and Abalone as the released code reads and splits it."""

import dataclasses
import math
from pathlib import Path

import numpy as np

from keras_sharpness import data
from keras_sharpness.data import abalone
from keras_sharpness.data.dataset import Dataset
from keras_sharpness.errors import require
from keras_sharpness.studies.config import StudyConfig


def load(config: StudyConfig, data_dir: str | Path | None = None, download: bool = False) -> Dataset:
    """Loads the data of a study; see `data.load`.

    Args:
        config: The study.
        data_dir: Folder with data files.
        download: Whether data may be fetched.

    Returns:
        The data set.

    Raises:
        InputError: If another split is asked for than the public one of the files that were found, or the data are
            not found or damaged.
    """
    dataset = data.load(config.system.dataset, data_dir, download, config.split_seed)
    fits = not (config.split_seed and dataset.source.endswith("public split"))
    require(fits, f"`split_seed` must be 0 with {dataset.source}", split_seed=config.split_seed)
    return dataset if config.follows_paper("split") else abalone_of_code(dataset)


def abalone_of_code(dataset: Dataset) -> Dataset:
    """Returns Abalone with the released code's rows, columns and split.

    Args:
        dataset: What `data.load("abalone")` returned.
    """
    sexes = len(abalone.SEXES)
    # Deviation: the file has no header, but its first row is read as one.
    x, y = np.roll(np.asarray(dataset.x)[1:], -sexes, axis=1), dataset.y[1:]
    train, test = split_of_scikit_learn(len(x), test_size=0.2, seed=42)
    return dataclasses.replace(
        dataset,
        # Standardizing again makes the first standardization vanish.
        x=abalone.standardize(x.astype(np.float64), train),
        y=abalone.standardize(y.astype(np.float64), train),
        train=train,
        test=test,
        source="UCI's Abalone without its first row, scikit-learn's split of seed 42",
    )


def split_of_scikit_learn(num_examples: int, test_size: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the indices that `sklearn.model_selection.train_test_split` draws.

    Args:
        num_examples: Number of examples.
        test_size: Share of the test examples, rounded up.
        seed: Its `random_state`.

    Returns:
        Training and test indices.
    """
    order = np.random.RandomState(seed).permutation(num_examples)  # noqa: NPY002
    num_test = math.ceil(test_size * num_examples)
    return order[num_test:], order[:num_test]
