"""Looks for files on disk and fetches them from the network; nothing is kept whose SHA-256 is not the expected one."""

import logging
import os
import threading
import time
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from keras_sharpness.errors import InputError, require
from keras_sharpness.files.atomic import atomic_open
from keras_sharpness.files.checksum import sha256

log = logging.getLogger(__name__)
_CHUNK = 1 << 16


def find(names: Sequence[str], folders: Iterable[Path]) -> list[Path]:
    """Looks for files in one folder after the other.

    Args:
        names: Names to look for.
        folders: Where to look, in this order.

    Returns:
        The files so called in the first folder that has any, in the order of `names`; empty if no folder has one.
    """
    looked: list[str] = []
    for folder in folders:
        looked.append(str(folder))
        found = [folder / name for name in names if (folder / name).is_file()]
        if found:
            log.info("data: looked in %s, and found %s", ", then ".join(looked), found[0].name)
            return found
    if looked:
        log.info("data: looked in %s, and found no %s", ", then ".join(looked), names[0])
    return []


def obtain(sums: Mapping[str, str], folders: Iterable[Path], url: str, target: Path | None) -> list[Path]:
    """Looks for files that belong together, and fetches them if they are nowhere.

    Args:
        sums: SHA-256 of each file by name.
        folders: Where to look, in this order.
        url: What to put before a name to fetch the file. Only what is fetched is checked here.
        target: Folder to fetch into those that it does not hold yet; None: touch no network.

    Returns:
        All files, from one folder, in the order of `sums`; empty if no folder has any and nothing may be fetched.

    Raises:
        InputError: If the first folder that has any lacks some and nothing may be fetched, or a download fails.
    """
    found = find(tuple(sums), folders)
    if len(found) == len(sums):
        return found
    if target:
        for name in sums:
            if not (target / name).is_file():
                fetch(url + name, sums[name], target / name)
        return [target / name for name in sums]
    missing = sorted(set(sums) - {path.name for path in found})
    require(not found, f"{found and found[0].parent} must hold all of {', '.join(sums)}", missing=missing)
    return []


def cache_folder(name: str) -> Path:
    """Names the folder that a data set's files are downloaded to.

    Args:
        name: Name of the data set.

    Returns:
        A folder below `XDG_CACHE_HOME` or `~/.cache`; it need not exist yet.
    """
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "keras_sharpness", name)


def fetch(url: str, expected: str, path: Path, timeout: float = 120.0) -> None:
    """Downloads a file whose content is known beforehand.

    Args:
        url: Where it is.
        expected: SHA-256 that its content must have.
        path: Name of the file to write; it appears whole or not at all.
        timeout: Seconds that everything together may take, looking up the host's name included.

    Raises:
        InputError: If the file does not come in time, is not the expected one or cannot be written.
    """
    received = sha256(content := _download(url, timeout))
    require(received == expected, f"{url} must have the SHA-256 {expected}", sha256=received)
    try:
        with atomic_open(path, "wb") as file:
            file.write(content)
    except OSError as error:
        raise InputError(f"{path} must be writable. Received: {error.strerror}") from error


def _download(url: str, timeout: float) -> bytes:
    # Looking up a name obeys no timeout. A daemon thread can be left behind, and it has no file open.
    chunks: list[bytes] = []
    errors: list[Exception] = []
    deadline = time.monotonic() + timeout
    thread = threading.Thread(target=_read_url, args=(url, deadline, chunks, errors), daemon=True)
    thread.start()
    thread.join(timeout)
    if thread.is_alive() or errors:
        reason = " ".join(str(errors[0]).split()) if errors else "no answer, or only a part"
        raise InputError(f"{url} must be reachable within {timeout:g} seconds. Received: {reason}")
    return b"".join(chunks)


def _read_url(url: str, deadline: float, chunks: list[bytes], errors: list[Exception]) -> None:
    try:
        with urllib.request.urlopen(url, timeout=deadline - time.monotonic()) as response:
            while chunk := response.read1(_CHUNK):
                chunks.append(chunk)
                if time.monotonic() > deadline:
                    raise TimeoutError("only a part")
    except Exception as error:  # Whatever ends the download is the caller's to report.
        errors.append(error)
