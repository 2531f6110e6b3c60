"""Notices a fork that leaves the backend without its threads: what is computed in the child would wait forever."""

import os

import keras

from keras_sharpness.backend.internals import runs_in_threads
from keras_sharpness.errors import InputError


class _Threads:
    """Whether the backend ran when this process was forked, or one that it comes from."""

    ran, lost = False, False

    def before(self) -> None:
        self.ran = runs_in_threads()

    def in_child(self) -> None:
        self.lost = self.lost or self.ran


_threads = _Threads()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_threads.before, after_in_child=_threads.in_child)


def require_threads() -> None:
    """Raises in a process that was forked once the backend had begun to compute.

    Raises:
        InputError: If it was; PyTorch computes there all the same.
    """
    if _threads.lost:
        what = "a measurement must run in a process that was not forked once the backend ran"
        how = "multiprocessing's start method 'spawn' makes one"
        raise InputError(f"{what}; {how}. Received: a fork of one where {keras.config.backend()} ran")
