"""FashionMNIST (Xiao et al., arXiv:1708.07747), through TensorFlow Datasets."""

import gzip
import importlib.util
import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from keras_sharpness.data.dataset import Dataset
from keras_sharpness.data.files import fetch, find, verify
from keras_sharpness.errors import require

# TFDS's registered sums, and the times in the headers of the published gzip files.
FILES = {
    "train-images-idx3-ubyte.gz": ("3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 1504176606),
    "train-labels-idx1-ubyte.gz": ("a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 1504176606),
    "t10k-images-idx3-ubyte.gz": ("346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 1504176627),
    "t10k-labels-idx1-ubyte.gz": ("67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 1504176627),
}
URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
# Mean and standard deviation of the training pixels, as the paper's code rounds them.
MEAN, STANDARD_DEVIATION = 0.2860, 0.3530
NUM_TRAIN = 60_000


def load(data_dir: Path | None, download: bool) -> Dataset:
    """Returns FashionMNIST with normalized pixels.

    TFDS stores the images shuffled, the published files do not: here both come in the order of their bytes, so that an
    index means the same image wherever the data came from.

    Args:
        data_dir: Folder with the four published files or with TFDS's prepared data; None looks in the usual places.
        download: Whether it may be downloaded when it is nowhere on this machine.

    Returns:
        70,000 images of shape (28, 28, 1), float32, and their labels; the first 60,000 train.
    """
    splits = _read_tfds(data_dir, download) if importlib.util.find_spec("tensorflow") else _read_raw(data_dir, download)
    pixels, labels = (np.concatenate(parts) for parts in zip(*map(_in_order, splits), strict=True))
    return Dataset(
        name="fashion_mnist",
        x=(pixels.astype(np.float32) / 255 - MEAN) / STANDARD_DEVIATION,
        y=labels.astype(np.int32),
        train=np.arange(NUM_TRAIN),
        test=np.arange(NUM_TRAIN, len(labels)),
        source="FashionMNIST, its published split",
    )


def builder(data_dir: Path | None = None, download: bool = False) -> Any:
    """Returns TFDS's own builder, unmodified, its data prepared from files on this machine or a download.

    Args:
        data_dir: Folder with the four published files or with TFDS's prepared data; None looks in the usual places.
        download: Whether the files may be downloaded when they are nowhere on this machine.

    Returns:
        A `tfds.core.DatasetBuilder`.
    """
    import tensorflow_datasets as tfds

    tfds.disable_progress_bar()
    if data_dir and (data_dir / "fashion_mnist").is_dir():
        return tfds.builder("fashion_mnist", data_dir=data_dir)
    prepared = tfds.builder("fashion_mnist")
    if not prepared.is_prepared():
        with tempfile.TemporaryDirectory() as folder:
            for name, content in raw_files(data_dir, download).items():
                Path(folder, name).write_bytes(content)
            settings = tfds.download.DownloadConfig(manual_dir=folder)
            prepared.download_and_prepare(download_dir=folder, download_config=settings)
    return prepared


def raw_files(data_dir: Path | None, download: bool) -> dict[str, bytes]:
    """Returns the four published files by name, checked.

    Args:
        data_dir: Folder to look in first.
        download: Whether they may be downloaded when they are nowhere on this machine.

    Returns:
        Gzip files by name, bit for bit as TFDS knows them.

    Raises:
        InputError: If a file is missing or is not the published one.
    """
    folders = [data_dir, data_dir / "fashion-mnist", DEBIAN] if data_dir else [DEBIAN]
    found = {name: find(name, folders) for name in FILES}
    if download:
        found = {name: path or _fetch(name, data_dir) for name, path in found.items()}
    missing = [name for name, path in found.items() if path is None]
    require(
        not missing,
        "FashionMNIST must be prepared by TFDS, in --data_dir, installed (Debian's dataset-fashion-mnist) or --download given",
        missing=missing,
    )
    return {name: _as_published(name, path) for name, path in found.items()}


def _as_published(name: str, path: Path) -> bytes:
    """Returns the file's bytes with the name and time in its header that Debian's package strips."""
    content = path.read_bytes()
    sha256, time = FILES[name]
    if content[:8] == b"\x1f\x8b\x08\x00" + content[4:8]:
        header = content[:3] + b"\x08" + struct.pack("<I", time) + content[8:10] + name.removesuffix(".gz").encode()
        content = header + b"\x00" + content[10:]
    verify(content, sha256, path)
    return content


def _fetch(name: str, data_dir: Path | None) -> Path:
    path = (data_dir or Path.home() / ".cache" / "keras_sharpness") / name
    if not path.exists():
        fetch(URL + name, FILES[name][0], path)
    return path


def _read_tfds(data_dir: Path | None, download: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    prepared = builder(data_dir, download)
    splits = (prepared.as_dataset(split=split, batch_size=-1) for split in ("train", "test"))
    return [(split["image"].numpy(), split["label"].numpy()) for split in splits]


def _read_raw(data_dir: Path | None, download: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    contents = {name: gzip.decompress(content) for name, content in raw_files(data_dir, download).items()}
    arrays = {name: np.frombuffer(c, np.uint8, offset=16 if "images" in name else 8) for name, c in contents.items()}
    return [
        (arrays[f"{split}-images-idx3-ubyte.gz"].reshape(-1, 28, 28, 1), arrays[f"{split}-labels-idx1-ubyte.gz"])
        for split in ("train", "t10k")
    ]


def _in_order(split: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    pixels, labels = split
    rows = np.concatenate([pixels.reshape(len(labels), -1), labels[:, None].astype(np.uint8)], axis=1)
    order = np.argsort(np.ascontiguousarray(rows).view(f"S{rows.shape[1]}").ravel(), kind="stable")
    return pixels[order], labels[order]
