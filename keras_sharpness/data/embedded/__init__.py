"""Data files that ship with the package: Abalone and Cora. `README.md` in this folder has sources and licences."""

from pathlib import Path

from keras_sharpness.files.checksum import verify

FOLDER = Path(__file__).parent


def sha256_of(name: str) -> str:
    """Looks up a file in `SHA256SUMS`.

    Args:
        name: "abalone.csv" or "cora.npz".

    Returns:
        The SHA-256 that it must have, in hexadecimal.
    """
    lines = (FOLDER / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    return {file: digest for digest, file in (line.split() for line in lines)}[name]


def read(name: str) -> bytes:
    """Reads a shipped file.

    Args:
        name: "abalone.csv" or "cora.npz".

    Returns:
        Its content, once its SHA-256 has been checked.

    Raises:
        InputError: If the file is not as it was shipped.
    """
    return verify(FOLDER / name, sha256_of(name))
