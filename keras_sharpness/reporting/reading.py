"""JSON and CSV files, read and checked; one line says what is wrong with a file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keras_sharpness.errors import InputError, reason, require
from keras_sharpness.files.plain import read


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON file that holds an object.

    Args:
        path: The file.

    Returns:
        The object.

    Raises:
        InputError: If the file is missing or damaged.
    """
    raw = read(path)
    try:
        content: Any = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} must be JSON. Received: {error}") from error
    require(isinstance(content, dict), f"{path} must hold a JSON object", type=type(content).__name__)
    return dict(_encodable(content))


def read_table(
    path: Path,
    columns: tuple[str, ...],
    texts: tuple[str, ...] = (),
    *,
    counts: tuple[str, ...] = (),
    optional: tuple[str, ...] = (),
) -> pd.DataFrame:
    """Reads a CSV file, such as one with a row per model.

    Args:
        path: The file.
        columns: Columns that it must have; more are allowed.
        texts: The columns that hold text; the others hold numbers.
        counts: Columns that hold whole numbers, none of them missing, if the table has them.
        optional: Further columns that hold numbers, if the table has them.

    Returns:
        The table.

    Raises:
        InputError: If the file is missing or damaged, or lacks a column or rows.
    """
    numbers = {*columns, *counts, *optional} - set(texts)
    table = _parse(path, texts)
    missing = [name for name in columns if name not in table]
    require(not missing, f"{path} must have the columns {', '.join(columns)}", missing=missing)
    require(len(table) > 0, f"{path} must have at least one row", rows=0)
    _check_numbers(path, table[sorted(numbers.intersection(table))])
    broken = [name for name in counts if name in table and not (table[name] % 1 == 0).all()]
    require(not broken, f"{path} must hold whole numbers", in_columns=broken)
    return table


def encodable(text: str) -> str:
    """Returns a text with escapes for what UTF-8 cannot write, such as single bytes in a file's name.

    Args:
        text: The text.

    Returns:
        The text itself, if it can be written.
    """
    return text.encode("utf-8", "backslashreplace").decode()


def read_text(path: Path) -> str:
    """Reads a file of text.

    Args:
        path: The file.

    Returns:
        The text.

    Raises:
        InputError: If it is missing, no plain file, or not text.
    """
    try:
        return read(path).decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} must be text in UTF-8. Received: {error}") from error


def _encodable(value: Any) -> Any:
    """Returns a value of JSON whose texts can be written: JSON can spell halves of letters that no encoding has."""
    if isinstance(value, dict):
        return {_encodable(name): _encodable(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_encodable(entry) for entry in value]
    return encodable(value) if isinstance(value, str) else value


def _parse(path: Path, texts: Sequence[str]) -> pd.DataFrame:
    require(path.is_file(), f"{path} must be a readable file")
    try:
        # In a text, "None" is a word; in a number, it is a missing value.
        missing = {name: ["", "nan", "NaN"] for name in pd.read_csv(path, nrows=0) if name not in texts}
        return pd.read_csv(path, dtype=dict.fromkeys(texts, str), keep_default_na=not texts, na_values=missing)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} must be a CSV table. Received: {reason(error)}") from error


def _check_numbers(path: Path, table: pd.DataFrame) -> None:
    words = [name for name in table if table[name].dtype.kind not in "iuf"]
    require(not words, f"{path} must hold numbers", not_numbers=words)
    sizes = table.abs()
    large = list(sizes.columns[((sizes > np.finfo(np.float32).max) & (sizes < np.inf)).any()])
    require(not large, f"{path} must hold numbers of 32 bits", too_large=large)
