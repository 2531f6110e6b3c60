"""Waits for the other processes of a cluster before native code does, which nothing interrupts."""

import contextlib
import socket
import time
from collections.abc import Sequence

from keras_sharpness.errors import InputError, require

PAUSE = 0.2


def meet(addresses: Sequence[str], index: int, seconds: float = 30.0) -> None:
    """Waits until every process of a cluster can be reached.

    Each listens at its own address meanwhile. One that has met the others goes on to listen there for its work, so that
    those still waiting reach it too.

    Args:
        addresses: HOST:PORT of each process.
        index: Place of this process among them.
        seconds: How long to wait.

    Raises:
        InputError: If an address is none, the own port is taken, or a process does not come in time.
    """
    places = [_split(address) for address in addresses]
    deadline = time.monotonic() + seconds
    try:
        listening = socket.create_server(("", places[index][1]))
    except OSError as error:
        raise InputError(f"{addresses[index]} must be free for this process. Received: {error.strerror}") from error
    with listening:
        for address, place in zip(addresses, places, strict=True):
            require(_reach(place, deadline), f"all processes must be started: no answer in {seconds:.0f} s", of=address)


def _split(address: str) -> tuple[str, int]:
    host, _, port = str(address).rpartition(":")
    fits = bool(host) and port.isdecimal() and int(port) < 2**16
    require(fits, "an address must be HOST:PORT", address=address)
    return host, int(port)


def _reach(place: tuple[str, int], deadline: float) -> bool:
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(place, timeout=deadline - time.monotonic()):
            return True
        time.sleep(PAUSE)
    return False
