"""The same examples in every form that is read only where it is needed, once nothing counts as small."""

import keras
import numpy as np

from keras_sharpness.objective import example_source


class OnDisk:
    """An array as h5py has them: rows by a slice or by ascending indices, nothing else."""

    def __init__(self, array):
        self._array, self.shape, self.dtype = array, array.shape, array.dtype

    def __getitem__(self, rows):
        assert isinstance(rows, slice) or (np.diff(rows) > 0).all()
        return self._array[rows]


class Sequence(keras.utils.PyDataset):
    """Batches of arrays."""

    def __init__(self, arrays, size):
        super().__init__()
        self.arrays, self.size, self.read = arrays, size, []

    @property
    def num_batches(self):
        return -(-len(self.arrays[0]) // self.size)

    def __getitem__(self, index):
        self.read.append(index)
        part = slice(self.size * index, self.size * index + self.size)
        return tuple(array[part] for array in self.arrays)


def mapped(array, path):
    np.save(path, array)
    return np.load(path, mmap_mode="r")


def _tensor_data(arrays):
    import torch

    return torch.utils.data.TensorDataset(*map(torch.tensor, arrays))


def _loader(arrays, **options):
    import torch

    return torch.utils.data.DataLoader(_tensor_data(arrays), **options)


def _tf_data(arrays):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(arrays).batch(6)


FORMS = {
    "arrays": lambda path, *arrays: arrays,
    "mapped": lambda path, *arrays: tuple(mapped(a, path / f"{k}.npy") for k, a in enumerate(arrays)),
    "on disk": lambda path, *arrays: (OnDisk(arrays[0]), *arrays[1:]),
    "PyDataset": lambda path, *arrays: (Sequence(arrays, 6),),
    "tf.data": lambda path, *arrays: (_tf_data(arrays),),
    "DataLoader": lambda path, *arrays: (_loader(arrays, batch_size=6),),
    "DataLoader by a sampler": lambda path, *arrays: (_loader(arrays, batch_size=6, sampler=range(len(arrays[0]))),),
}
"""From (folder, x, y) or (folder, x, y, sample weights) to the first arguments of a source; arrays stay in memory."""


def nothing_is_small(monkeypatch):
    monkeypatch.setattr(example_source, "SMALL", 0)
    monkeypatch.setattr(example_source, "KEPT", 0)
