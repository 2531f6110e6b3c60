"""FashionMNIST: photographs of clothes (Xiao, Rasul and Vollgraf, arXiv:1708.07747).

It comes through TensorFlow Datasets, whose unmodified builder prepares it from the authors' files. Where that is
not installed, these files are read directly; both ways give the same examples in the same order.
"""

import contextlib
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_sharpness.data import idx
from keras_sharpness.data.dataset import Dataset
from keras_sharpness.errors import InputError, is_installed, require
from keras_sharpness.files.atomic import atomic_open
from keras_sharpness.files.checksum import sha256

# SHA-256 of all pixels, then all labels, in the order of the authors' files, training examples first.
CONTENT_SHA256 = "2cbc59191665e1ba3f2494648f17edac5974f748ab89fb2ae05597d658161f54"
NUM_TRAIN = 60000
MEAN, STANDARD_DEVIATION = 0.2860, 0.3530
# TensorFlow Datasets stores pictures as PNG; all pixels, decoded, are kept next to them.
DECODED = "decoded.npz"


def load(data_dir: Path | None = None, download: bool = False) -> Dataset:
    """Loads FashionMNIST, normalized.

    Args:
        data_dir: A folder to look for the four `.gz` files in, or in its folder `fashion-mnist`; or a data directory
            of TensorFlow Datasets with the prepared data set. What is prepared here goes to the default one, which
            the environment variable TFDS_DATA_DIR names.
        download: Whether the files may be fetched if they are nowhere.

    Returns:
        Pixels of shape (70000, 28, 28, 1), float32: brightness from 0 to 1, less its mean 0.2860, over its standard
        deviation 0.3530. Labels of shape (70000,), int32. The first 60000 examples are for training, the others for
        testing, both in the order of the authors' files.

    Raises:
        InputError: If the data set is nowhere, or what is found is not FashionMNIST.
    """
    originals = idx.find(data_dir)
    if _has_tensorflow():
        pixels, labels = _from_tensorflow_datasets(data_dir, originals, download)
    else:
        pixels, labels = idx.parse(originals or idx.find_or_fetch(download))
    _check(pixels, labels, "the files")
    return Dataset(
        name="fashion_mnist",
        x=normalize(pixels),
        y=labels.astype(np.int32),
        train=np.arange(NUM_TRAIN),
        test=np.arange(NUM_TRAIN, len(labels)),
        source="FashionMNIST, public split",
    )


def normalize(pixels: np.ndarray) -> np.ndarray:
    """Scales pixels to mean 0 and standard deviation 1 over the training examples.

    Args:
        pixels: Brightness from 0 to 255.

    Returns:
        Float32 array of the same shape.
    """
    # There are 256 cases only, so a table saves three passes over 55 million pixels.
    table = ((np.arange(256) / 255 - MEAN) / STANDARD_DEVIATION).astype(np.float32)
    return table[pixels]


def _check(pixels: np.ndarray, labels: np.ndarray, where: str) -> None:
    content = sha256(pixels.tobytes() + labels.tobytes())
    require(content == CONTENT_SHA256, f"{where} must hold FashionMNIST's examples", sha256=content)


def _has_tensorflow() -> bool:
    return all(map(is_installed, ("tensorflow", "tensorflow_datasets", "importlib_resources")))


def _from_tensorflow_datasets(
    data_dir: Path | None, originals: Mapping[str, bytes], download: bool
) -> tuple[np.ndarray, np.ndarray]:
    from keras_sharpness.data import builders

    candidates = [builders.builder("fashion_mnist", folder) for folder in ([data_dir, None] if data_dir else [None])]
    builder = next(filter(builders.is_prepared, candidates), None)
    if builder is None:
        _prepare(candidates[-1], originals or idx.find_or_fetch(download))
        builder = builders.builder("fashion_mnist")
    return _decoded(builder)


def _prepare(builder: Any, originals: Mapping[str, bytes]) -> None:
    from keras_sharpness.data import builders

    with tempfile.TemporaryDirectory() as folder:
        for name, content in originals.items():
            Path(folder, name).write_bytes(content)
        builders.prepare(builder, Path(folder))


def _decoded(builder: Any) -> tuple[np.ndarray, np.ndarray]:
    path = Path(builder.data_path, DECODED)
    if path.is_file():
        return _read(path)
    pixels, labels = _decode(builder)
    _check(pixels, labels, str(path.parent))
    # A data directory that others own may be closed to writing: then every load decodes.
    with contextlib.suppress(OSError), atomic_open(path, "wb") as file:
        np.savez(file, pixels=pixels, labels=labels)
    return pixels, labels


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        # Given a name, NumPy leaves a file open that turns out to be broken.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return arrays["pixels"], arrays["labels"]
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} must be a whole .npz file; delete it. Received: {type(error).__name__}") from error


def _decode(builder: Any) -> tuple[np.ndarray, np.ndarray]:
    from keras_sharpness.data import builders

    splits = [builders.original_order(builder, split) for split in ("train", "test")]
    pixels, labels = (np.concatenate([split[key] for split in splits]) for key in ("image", "label"))
    return pixels, labels.astype(np.uint8)
