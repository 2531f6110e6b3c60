"""The data sets as builders of TensorFlow Datasets.

Importing this module registers `Abalone` and `Cora`, so that `tfds.load("cora")` knows them too.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core import hashing

from keras_sharpness.data import abalone, cora, embedded
from keras_sharpness.errors import InputError


class Abalone(tfds.core.GeneratorBasedBuilder):
    """Abalone, raw; splits "train" and "test", those of `load("abalone")`."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "sex": tfds.features.ClassLabel(names=abalone.SEXES),
            **dict.fromkeys(abalone.MEASUREMENTS, np.float32),
            "rings": np.int32,
        }
        return self.dataset_info_from_configs(
            description="Sex, lengths (mm / 200), weights (g / 200) and rings of 4177 abalones.",
            features=tfds.features.FeaturesDict(features),
            homepage="https://archive.ics.uci.edu/dataset/1/abalone",
            citation="Nash, W. et al. (1994). Abalone. UCI Machine Learning Repository. doi:10.24432/C55C7W",
            license="CC BY 4.0",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator[Any]]:
        sex, measurements, rings = abalone.parse(embedded.read("abalone.csv"))
        columns = {"sex": sex, **dict(zip(abalone.MEASUREMENTS, measurements.T, strict=True)), "rings": rings}
        train, test = abalone.split(len(rings), seed=0)
        return {"train": _examples(columns, train), "test": _examples(columns, test)}

    def _generate_examples(self) -> Iterator[Any]:
        # The splits bring their own generators.
        raise NotImplementedError


class Cora(tfds.core.GeneratorBasedBuilder):
    """Cora as it ships, in two configurations: its papers, and the citations between them.

    "papers" has the splits "train", "validation" and "test" of `load("cora")`, and "rest", the papers in none of
    them; "citations" has one split, "edges": each in both directions.
    """

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name="papers", description="Words and subject of each paper."),
        tfds.core.BuilderConfig(name="citations", description="Pairs of papers, by their `id`."),
    ]

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "papers": {
                "id": np.int32,
                "features": tfds.features.Tensor(shape=(1433,), dtype=np.float32),
                "label": tfds.features.ClassLabel(names=cora.SUBJECTS),
            },
            "citations": {"sender": np.int32, "receiver": np.int32},
        }
        return self.dataset_info_from_configs(
            description="2708 papers on machine learning, their words and the citations between them.",
            features=tfds.features.FeaturesDict(features[self.builder_config.name]),
            homepage="https://linqs.org/datasets/",
            citation="Sen, P. et al. (2008). Collective classification in network data. AI Magazine 29(3).",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator[Any]]:
        features, labels, links = cora.read()
        if self.builder_config.name == "citations":
            senders, receivers = cora.both_directions(links)
            return {"edges": _examples({"sender": senders, "receiver": receivers}, np.arange(len(senders)))}
        nodes = np.arange(len(labels))
        columns = {"id": nodes, "features": features, "label": labels}
        splits = cora.balanced_split(labels, seed=0)._asdict()
        splits["rest"] = np.setdiff1d(nodes, np.concatenate(list(splits.values())))
        return {name: _examples(columns, indices) for name, indices in splits.items()}

    def _generate_examples(self) -> Iterator[Any]:
        # The splits bring their own generators.
        raise NotImplementedError


def _examples(columns: dict[str, np.ndarray], indices: np.ndarray) -> Iterator[tuple[int, dict[str, Any]]]:
    for index in indices.tolist():
        yield index, {name: column[index] for name, column in columns.items()}


def builder(name: str, data_dir: str | Path | None = None, **kwargs: Any) -> tfds.core.DatasetBuilder:
    """Returns a data set's builder; it reads nothing yet.

    Args:
        name: "abalone", "cora" or "fashion_mnist".
        data_dir: Where the prepared data set is or goes; None: the default of TensorFlow Datasets.
        **kwargs: Further arguments of the builder.
    """
    with quiet():
        return tfds.builder(name, data_dir=data_dir, **kwargs)


def is_prepared(builder: tfds.core.DatasetBuilder) -> bool:
    """Tells whether a data set has been prepared, and says nothing if its folder does not exist.

    Args:
        builder: The data set's builder.

    Returns:
        Whether it can be read.
    """
    with quiet():
        return builder.is_prepared()


def prepare(builder: tfds.core.DatasetBuilder, manual_dir: Path) -> None:
    """Prepares a data set from files at hand, without a network; a new builder reads it, whoever prepared it.

    Args:
        builder: The data set's builder.
        manual_dir: Folder that holds the files under the names that the builder has registered.

    Raises:
        InputError: If the prepared data set cannot be written.
    """
    config = tfds.download.DownloadConfig(manual_dir=manual_dir, try_download_gcs=False)
    try:
        with quiet():
            # Unpacked files go to the download folder, and need not outlive the preparation.
            builder.download_and_prepare(download_dir=manual_dir / "unpacked", download_config=config)
    except OSError as error:
        # Of two processes that prepare at once, the later one cannot rename its folder: the data set is there.
        if not is_prepared(builder):
            reason = error.strerror or " ".join(str(error).split())
            raise InputError(f"{builder.data_path} must be writable. Received: {reason}") from error


def original_order(builder: tfds.core.DatasetBuilder, split: str) -> dict[str, np.ndarray]:
    """Reads a whole split in the order in which the builder generated it, its keys being 0, 1, 2 and so on.

    Args:
        builder: Builder of a prepared data set.
        split: Name of the split.

    Returns:
        One array for each feature, first axis the examples.
    """
    with quiet():
        stored = tfds.as_numpy(builder.as_dataset(split=split, batch_size=-1, shuffle_files=False))
    # Examples are stored in the order of their keys' hashes.
    hasher = hashing.Hasher(split)
    order = sorted(range(builder.info.splits[split].num_examples), key=hasher.hash_key)
    positions = np.argsort(order)
    return {name: column[positions] for name, column in stored.items()}


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hides log lines, notices, warnings and progress bars of TensorFlow Datasets."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            yield
    finally:
        logger.setLevel(level)
