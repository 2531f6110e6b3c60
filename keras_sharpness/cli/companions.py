"""Processes that share a study are connected, and know at once when one of them dies.

Backends wait for a process that was killed for a minute or more, in native code, or forever. A connection that the
system closes is noticed within milliseconds. Before a process ends it says whether it is done or has failed; one that
dies says nothing.
"""

import contextlib
import logging
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np

DONE, FAILED = b"d", b"f"
# Seconds: to connect; for the own error of a process, where another one has failed; for the news of a death.
CONNECT, GRACE, NEWS = 10.0, 10.0, 1.0
LINE = b"error: all processes must run until the work is done. Received: another process has ended\n"
KEY_LENGTH = 8
log = logging.getLogger(__name__)
_connections: list[socket.socket] = []


def watch(distribution: Any, host: str) -> None:
    """Connects all processes with the first one; from now on, each ends in one line if another one dies.

    Where they cannot be connected, say for a firewall, they go on without.

    Args:
        distribution: What the work is distributed over, in several processes.
        host: The first process's.
    """
    with contextlib.ExitStack() as stack:
        chief = distribution.is_chief
        server = stack.enter_context(socket.create_server(("", 0))) if chief else None
        # Whoever else finds the port does not know the key.
        own = np.frombuffer(secrets.token_bytes(KEY_LENGTH), np.uint32)
        port, *key = distribution.of_chief(np.array([server.getsockname()[1] if server else 0, *own], np.uint32))
        number = len(distribution.gather(np.zeros(1, np.uint32)))
        word = np.array(key, np.uint32).tobytes()
        try:
            _connections.extend(_accept(server, number - 1, word) if server else [_connect(host, int(port), word)])
        except OSError as error:
            log.debug("processes are not connected: %s", error)
    for connection in _connections:
        connection.settimeout(None)
        threading.Thread(target=_listen, args=(connection,), daemon=True).start()


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Tells the other processes how the block has ended.

    Yields:
        Nothing.
    """
    try:
        yield
    except BaseException as error:
        asked = isinstance(error, (SystemExit, KeyboardInterrupt))
        if _connections and not asked:
            # Often the error is that another process has died, which its connection shows.
            time.sleep(NEWS)
        _say(DONE if asked else FAILED)
        raise
    _say(DONE)


def leave(status: int) -> NoReturn:
    """Ends this process: at once where there are others, for which the backend would wait on its way out.

    Args:
        status: Its status.
    """
    if _connections:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def _accept(server: socket.socket, number: int, word: bytes) -> Iterator[socket.socket]:
    deadline = time.monotonic() + CONNECT
    while number:
        server.settimeout(max(0.01, deadline - time.monotonic()))
        connection = server.accept()[0]
        connection.settimeout(CONNECT)
        if connection.recv(KEY_LENGTH, socket.MSG_WAITALL) == word:
            number -= 1
            yield connection


def _connect(host: str, port: int, word: bytes) -> socket.socket:
    connection = socket.create_connection((host, port), CONNECT)
    connection.sendall(word)
    return connection


def _say(word: bytes) -> None:
    for connection in _connections:
        with contextlib.suppress(OSError):
            connection.sendall(word)


def _listen(connection: socket.socket) -> None:
    try:
        word = connection.recv(1)
    except OSError:
        word = b""
    if word == DONE:
        return
    if word == FAILED:
        time.sleep(GRACE)
    with contextlib.suppress(OSError):
        os.write(2, LINE)
    os._exit(2)
