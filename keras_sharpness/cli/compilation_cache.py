"""Keeps what XLA compiles for JAX on disk, so that the next run of a command need not compile it again."""

import os
import platform
import zlib
from pathlib import Path

# JAX's own bound of one second would leave out most of a small study's functions.
SETTINGS = {
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    # At most, as the files of the longest unused functions go first.
    "JAX_COMPILATION_CACHE_MAX_SIZE": str(2**28),
}


def use_compilation_cache() -> None:
    """Sets JAX's environment variables, before JAX is imported; those that are set already stay."""
    for name, value in {"JAX_COMPILATION_CACHE_DIR": str(_folder()), **SETTINGS}.items():
        os.environ.setdefault(name, value)


def _folder() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home, "keras_sharpness", f"jax-{zlib.crc32(_processor().encode()):08x}")


def _processor() -> str:
    """Returns what tells processors apart: a home folder may serve several, and code for one may crash another."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return f"{platform.machine()} {platform.processor()} {flags}"
