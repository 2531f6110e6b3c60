"""Files of known content: found on disk or fetched, and checked by their SHA-256 before anything reads them."""

import hashlib
import threading
import urllib.request
from collections.abc import Iterable
from pathlib import Path

from keras_sharpness.atomic import atomic_open
from keras_sharpness.errors import InputError, require


def find(name: str, folders: Iterable[Path]) -> Path | None:
    """Returns the first of the folders' files of that name, or None."""
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def read_verified(path: Path, sha256: str) -> bytes:
    """Returns a file's bytes if they are the expected ones.

    Args:
        path: The file.
        sha256: Expected sum, hexadecimal.

    Returns:
        Its content.

    Raises:
        InputError: If the sum differs.
    """
    content = path.read_bytes()
    verify(content, sha256, path)
    return content


def verify(content: bytes, sha256: str, name: object) -> None:
    """Checks content against its expected sum.

    Args:
        content: The bytes.
        sha256: Expected sum, hexadecimal.
        name: What to call it in the error.

    Raises:
        InputError: If the sum differs.
    """
    found = hashlib.sha256(content).hexdigest()
    require(found == sha256, f"{name} must be the published file, of SHA-256 {sha256}", sha256=found)


def fetch(url: str, sha256: str, path: Path, timeout: float = 60.0) -> None:
    """Downloads a file of known content; it appears at `path` whole or not at all.

    Args:
        url: Where it is.
        sha256: Expected sum, hexadecimal.
        path: Where to put it.
        timeout: Seconds after which the attempt ends, whatever it hangs on.

    Raises:
        InputError: If the download fails, takes too long or brings other content.
    """
    outcome: list[bytes | Exception] = []

    def download() -> None:
        try:
            with urllib.request.urlopen(url, timeout=timeout) as response:
                outcome.append(response.read())
        except Exception as error:
            outcome.append(error)

    # A socket's timeout does not cover looking up a name, nor a server that sends a byte now and then: a thread does.
    thread = threading.Thread(target=download, daemon=True)
    thread.start()
    thread.join(timeout)
    result = outcome[0] if outcome else TimeoutError(f"no answer within {timeout:g} s")
    if isinstance(result, Exception):
        raise InputError(f"{url} must be reachable. Received: {result}")
    verify(result, sha256, url)
    with atomic_open(path, "wb") as file:
        file.write(result)
