"""Abalone: the number of rings of a shell from its sex, size and weight (Nash et al. 1994, UCI)."""

import io
from pathlib import Path

import numpy as np

from keras_sharpness.data import embedded
from keras_sharpness.data.dataset import Dataset
from keras_sharpness.data.files import find
from keras_sharpness.files.checksum import verify

SEXES = ("M", "F", "I")
MEASUREMENTS = (
    "length",
    "diameter",
    "height",
    "whole_weight",
    "shucked_weight",
    "viscera_weight",
    "shell_weight",
)
NUM_TRAIN = 3341  # Four fifths of 4177.


def load(data_dir: Path | None = None, split_seed: int = 0) -> Dataset:
    """Loads Abalone, standardized.

    Args:
        data_dir: Folder to look for `abalone.data` or `abalone.csv` in, or in its folder `abalone`; without such a
            file, the shipped copy is read.
        split_seed: Seed of the split.

    Returns:
        Features of shape (4177, 10), float32: the columns sex M, F, I, then the seven measurements. Targets of shape
        (4177, 1), float32: the rings. Every column has mean 0 and unbiased standard deviation 1 over the 3341 training
        examples; 836 are for testing.

    Raises:
        InputError: If a file found is not UCI's.
    """
    sex, measurements, rings = parse(_read(data_dir))
    features = np.concatenate([np.eye(len(SEXES))[sex], measurements], axis=1)
    train, test = split(len(rings), split_seed)
    return Dataset(
        name="abalone",
        x=standardize(features, train),
        y=standardize(rings[:, None], train),
        train=train,
        test=test,
        source=f"UCI's Abalone, random split of seed {split_seed}",
    )


def parse(content: bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Parses UCI's file.

    Args:
        content: Its bytes.

    Returns:
        Sexes as indices into `SEXES`, int64 of shape (4177,); measurements, float64 of shape (4177, 7); rings, int64
        of shape (4177,).
    """
    # The file has no header: every line is an example.
    columns = np.loadtxt(io.BytesIO(content), delimiter=",", converters={0: SEXES.index}, encoding="ascii")
    return columns[:, 0].astype(np.int64), columns[:, 1:-1], columns[:, -1].astype(np.int64)


def split(num_examples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws the training and test examples.

    Args:
        num_examples: Number of examples.
        seed: Seed of the draw.

    Returns:
        Sorted indices of the training and test examples, int64.
    """
    order = np.random.default_rng(seed).permutation(num_examples)
    return np.sort(order[:NUM_TRAIN]), np.sort(order[NUM_TRAIN:])


def standardize(columns: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Shifts and scales each column to mean 0 and unbiased standard deviation 1 over the training examples.

    Args:
        columns: Shape (num_examples, num_columns).
        train: Indices of the training examples.

    Returns:
        Float32 array of the same shape.
    """
    training = columns[train]
    return ((columns - training.mean(axis=0)) / training.std(axis=0, ddof=1)).astype(np.float32)


def _read(data_dir: Path | None) -> bytes:
    folders = (data_dir, data_dir / "abalone") if data_dir else ()
    for path in find(("abalone.data", "abalone.csv"), folders):
        return verify(path, embedded.sha256_of("abalone.csv"))
    return embedded.read("abalone.csv")
