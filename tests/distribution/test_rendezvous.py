"""Processes that wait for each other, here threads."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from keras_sharpness.distribution.rendezvous import meet
from keras_sharpness.errors import InputError


def free_addresses(number):
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    addresses = [f"127.0.0.1:{listener.getsockname()[1]}" for listener in listeners]
    for listener in listeners:
        listener.close()
    return addresses


def test_processes_meet_whenever_they_start():
    addresses = free_addresses(3)

    def come(index):
        time.sleep(0.3 * index)
        meet(addresses, index, seconds=20)
        # The work that each goes on to listens at its address.
        host, port = addresses[index].split(":")
        with socket.create_server((host, int(port))):
            time.sleep(1.5)

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(come, range(3)))


def test_one_that_never_comes_is_named():
    addresses = free_addresses(2)
    with pytest.raises(
        InputError, match=f"all processes must be started: no answer in 0 s. Received: of='{addresses[1]}'"
    ):
        meet(addresses, 0, seconds=0.3)


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(InputError, match=f"{address} must be free for this process"):
            meet([address], 0)


@pytest.mark.parametrize("address", ["here", "here:", ":80", "here:http", "here:99999", 5])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(InputError, match="an address must be HOST:PORT"):
        meet([address], 0)
