"""Keeps a pool on disk, so that a run can be picked up where it ended.

Each member has a file of its own; the files of a large pool are packed into blocks (see `files.numbered`).
"""

import json
import logging
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_sharpness.errors import InputError, require
from keras_sharpness.files.atomic import write_json
from keras_sharpness.files.checksum import arrays_of, ends_in_its_sum, save_arrays
from keras_sharpness.files.numbered import NumberedFiles
from keras_sharpness.pools.member import Member

PREFIXES = ("weight", "state", "initial", "first_weight", "first_state")
ARRAYS = tuple(f"{prefix}_" for prefix in PREFIXES)
log = logging.getLogger(__name__)


class PoolStore:
    """The members, their evaluations, loss paths and details in a run's folder."""

    def __init__(self, folder: Path) -> None:
        """Names the folder; it is made when the first file is.

        Args:
            folder: The run's folder.
        """
        self._pool, self._paths = files_of_arrays(Path(folder) / "pool"), files_of_arrays(Path(folder) / "sharpness")
        self._details = files_of_arrays(Path(folder) / "details")
        self._measures = NumberedFiles(Path(folder) / "measures", ".json", lambda content: bool(_parsed(content)))

    def trained(self) -> set[int]:
        """Returns the indices of the members that have been saved; damaged files are named and do not count."""
        return _whole(self._pool, "trained")

    def measured(self) -> set[int]:
        """Returns the indices of the members whose loss paths have been saved; damaged files do not count."""
        return _whole(self._paths, "measured")

    def detailed(self) -> set[int]:
        """Returns the indices of the members whose details have been saved; damaged files do not count."""
        return _whole(self._details, "detailed")

    def clear(self) -> None:
        """Removes everything saved."""
        for files in self._all():
            files.clear()

    def pack(self) -> None:
        """Packs what runs that were killed, or of earlier versions, left unpacked."""
        for files in self._all():
            files.pack()

    def copy_members(self, other: "PoolStore") -> None:
        """Copies the members that another folder does not have.

        Args:
            other: That of the other folder.
        """
        self._pool.copy_to(other._pool)

    def save_member(self, member: Member, evaluation: dict[str, float]) -> None:
        """Saves a trained member and its losses on the data's splits."""
        arrays: dict[str, Any] = {f"weight_{k}": w for k, w in enumerate(member.weights)}
        arrays |= {f"state_{k}": s for k, s in enumerate(member.state)}
        arrays |= {f"initial_{k}": w for k, w in enumerate(member.initial or ())}
        for name, part in zip(("first_weight", "first_state"), member.first_epoch or (), strict=False):
            arrays |= {f"{name}_{k}": a for k, a in enumerate(part)}
        save_arrays_of(
            self._pool, member.index, seed=member.seed, epoch_losses=member.epoch_losses, **arrays, **evaluation
        )

    def load_member(self, index: int) -> Member:
        """Returns a saved member.

        Args:
            index: Its place in the pool.

        Raises:
            InputError: If it is not there, or its file is damaged or another.
        """
        arrays = self._load_member(index)
        return Member(
            index=index,
            seed=int(arrays["seed"]),
            weights=_numbered(arrays, "weight"),
            state=_numbered(arrays, "state"),
            epoch_losses=tuple(arrays["epoch_losses"].tolist()),
            initial=_numbered(arrays, "initial") or None,
            first_epoch=(first, _numbered(arrays, "first_state"))
            if (first := _numbered(arrays, "first_weight"))
            else None,
        )

    def load_row(self, index: int, *needed: str) -> dict[str, float]:
        """Returns the seed, epochs and losses in a member's file.

        Args:
            index: Its place in the pool.
            *needed: Names of losses that must be among them.

        Raises:
            InputError: If one is not, or the file is damaged or another.
        """
        arrays = self._load_member(index, *needed)
        row = {"index": index, "seed": int(arrays.pop("seed")), "epochs": len(arrays.pop("epoch_losses"))}
        return row | {k: float(v) for k, v in arrays.items() if not k.startswith(ARRAYS)}

    def save_paths(self, index: int, found: dict[str, np.ndarray]) -> None:
        """Saves a member's `losses` along its ascents, shape (num_batches, num_steps + 1), and what else they found."""
        save_arrays_of(self._paths, index, **found)

    def load_paths(self, index: int) -> np.ndarray:
        """Returns a member's saved losses along its ascents, shape (num_batches, num_steps + 1)."""
        return _load(self._paths, index, {"losses": 2})["losses"]

    def save_details(self, index: int, details: dict[str, np.ndarray]) -> None:
        """Saves what a member's numbers are means of, one axis each."""
        save_arrays_of(self._details, index, **details)

    def load_details(self, index: int) -> dict[str, np.ndarray]:
        """Returns a member's saved details, and all that its ascents found."""
        return _load(self._paths, index, {}) | _load(self._details, index, {})

    def save_measures(self, index: int, content: dict[str, Any]) -> None:
        """Saves what was measured of a member, as JSON takes it."""
        write_json(self._measures.path(index), content)
        self._measures.pack(index)

    def load_measures(self, index: int) -> dict[str, Any]:
        """Returns what was measured of a member; nothing where it was not, or the file is damaged."""
        try:
            return _parsed(self._measures.read(index))
        except (OSError, InputError):
            return {}

    def _all(self) -> tuple[NumberedFiles, ...]:
        return self._pool, self._paths, self._details, self._measures

    def _load_member(self, index: int, *losses: str) -> dict[str, np.ndarray]:
        arrays = _load(self._pool, index, {"seed": 0, "epoch_losses": 1, **dict.fromkeys(losses, 0)})
        path, seed = self._pool.where(index), arrays["seed"]
        fits = seed.dtype.kind in "iu" and 0 <= int(seed) < 2**32
        require(fits, f"{path} must hold a `seed` of 32 bits", seed=seed.tolist())
        shapes = {k: a.shape for k, a in arrays.items() if not k.startswith(ARRAYS) and k != "epoch_losses" and a.ndim}
        require(not shapes, f"{path} must hold single numbers as losses", shapes=shapes)
        for prefix in PREFIXES:
            found = {name for name in arrays if name.startswith(f"{prefix}_")}
            missing = {f"{prefix}_{k}" for k in range(len(found))} - found
            require(not missing, f"{path} must hold every {prefix.replace('_', ' ')}", missing=sorted(missing))
        return arrays


def load_member(folder: str | Path, index: int, architecture: keras.Model) -> keras.Model:
    """Rebuilds a member of a saved pool as a Keras model.

    Args:
        folder: The run's folder.
        index: The member's place in the pool.
        architecture: A model of the pool's architecture, such as `models.fcnn()`; it gets the member's weights.

    Returns:
        `architecture`.
    """
    return PoolStore(Path(folder)).load_member(index).assign_to(architecture)


def files_of_arrays(folder: Path) -> NumberedFiles:
    """Returns the files of arrays in a folder, one for each member."""
    return NumberedFiles(folder, ".npz", ends_in_its_sum)


def save_arrays_of(files: NumberedFiles, index: int, **arrays: Any) -> None:
    """Saves arrays of a member.

    Args:
        files: Where.
        index: Its place in the pool.
        **arrays: The arrays.
    """
    save_arrays(files.path(index), **arrays)
    files.pack(index)


def _whole(files: NumberedFiles, what: str) -> set[int]:
    whole, damaged = files.whole()
    for path, (first, *others) in damaged.items():
        models = f"{len(others) + 1} models from {first} on are" if others else f"model {first} is"
        log.warning("%s is damaged; %s %s again", path, models, what)
    return whole


def _load(files: NumberedFiles, index: int, axes: dict[str, int]) -> dict[str, np.ndarray]:
    path = files.where(index)
    try:
        arrays = arrays_of(files.read(index), path)
    except FileNotFoundError:
        raise InputError(f"Model {index} must have been saved. Received: no file {path}") from None
    fits = all(name in arrays and arrays[name].ndim == ndim for name, ndim in axes.items())
    shapes = {name: array.shape for name, array in arrays.items()}
    require(fits, f"{path} must hold {', '.join(axes)} of a model", shapes=shapes)
    words = {name: str(array.dtype) for name, array in arrays.items() if array.dtype.kind not in "biuf"}
    require(not words, f"{path} must hold numbers", dtypes=words)
    return arrays


def _parsed(content: bytes) -> dict[str, Any]:
    """Returns what a file of measures holds; nothing where it is damaged."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _numbered(arrays: dict[str, np.ndarray], prefix: str) -> list[np.ndarray]:
    return [arrays[f"{prefix}_{k}"] for k in range(sum(name.startswith(f"{prefix}_") for name in arrays))]
