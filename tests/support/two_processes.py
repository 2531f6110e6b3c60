"""What two processes that share a study are told of each other, on each backend."""

import importlib.util
import json
import socket
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BACKENDS = [b for b in ("tensorflow", "jax", "torch") if importlib.util.find_spec(b)]


def environments(backend):
    """What tells each of two processes who it is."""
    first, second = free_port(), free_port()
    for k in (0, 1):
        if backend == "tensorflow":
            cluster = {"worker": [f"127.0.0.1:{port}" for port in (first, second)]}
            names = {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": k}})}
        elif backend == "jax":
            who = {"JOB_ADDRESSES": f"127.0.0.1:{first}", "NUM_PROCESSES": "2", "PROCESS_ID": str(k)}
            names = {f"KERAS_DISTRIBUTION_{name}": value for name, value in who.items()}
        else:
            names = {"RANK": str(k), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(first)}
        yield {"KERAS_BACKEND": backend} | names


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
