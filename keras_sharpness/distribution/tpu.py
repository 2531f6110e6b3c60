"""Finds a TPU, or reports within seconds that there is none."""

import concurrent.futures
import socket
import threading
from typing import Any
from urllib.parse import urlsplit

import tensorflow as tf

from keras_sharpness.errors import InputError, require

# Seconds for an answer. The resolver would ask the metadata server of a cloud machine for minutes.
PATIENCE = 5.0
# What every client of HTTP/2, and so of gRPC, begins with; a server answers at once.
GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])


def connect(name: str) -> tf.distribute.Strategy:
    """Returns the strategy of a TPU, initialized.

    Args:
        name: Its name, its address, or "local": that of this machine.

    Raises:
        InputError: If it does not answer.
    """
    try:
        resolver = _resolve(name)
        _knock(resolver.master())
        tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).split("\n")[0][:200]
        raise InputError(f"a TPU named {name!r} must answer. Received: {reason}") from None


def _resolve(name: str) -> tf.distribute.cluster_resolver.TPUClusterResolver:
    found: concurrent.futures.Future[Any] = concurrent.futures.Future()

    def look() -> None:
        try:
            found.set_result(tf.distribute.cluster_resolver.TPUClusterResolver(tpu=name))
        except BaseException as error:
            found.set_exception(error)

    # A daemon, which does not keep the process from ending.
    threading.Thread(target=look, daemon=True).start()
    try:
        return found.result(PATIENCE)
    except concurrent.futures.TimeoutError:
        raise InputError(f"no answer within {PATIENCE:.0f} seconds") from None


def _knock(master: str) -> None:
    """Raises unless a server of gRPC answers at a remote TPU's address."""
    address = urlsplit(master)
    if not address.hostname:
        return
    with socket.create_connection((address.hostname, address.port or 8470), PATIENCE) as connection:
        connection.sendall(GREETING)
        try:
            answered = bool(connection.recv(1))
        except TimeoutError:
            answered = False
        require(answered, f"no answer within {PATIENCE:.0f} seconds from {master}")
