"""From the bytes of a file to columns of text, and from there to features and targets."""

import gzip
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_sharpness.errors import require, require_installed

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "space": r"\s+"}
MISSING = ("", "?", "<null>", "NA", "NaN", "nan")
# A column of words with more values than this is left out: it is a name, or makes more columns than the rest together.
MOST_WORDS = 20


def parse(contents: list[bytes], form: str) -> "pd.DataFrame":
    """Reads files of text.

    Args:
        contents: The bytes of the files. Their rows follow each other; in "labels", the second file holds the targets.
        form: Words that say what the files are: "keel" (a header of `@attribute` lines, as in ARFF, then commas),
            "excel", or a separator of `SEPARATORS`. With it "header" (names in the first line), "decimal-comma",
            "gzip", "skip" (a first line that is no data) or "labels".

    Returns:
        The columns as text, None where a value is missing. Without names in the file, their names are their numbers.
    """
    import pandas as pd

    words = form.split()
    frames = [_frame(gzip.decompress(content) if "gzip" in words else content, words) for content in contents]
    if "labels" in words:
        frames[0]["label"] = frames.pop()[frames[0].columns[0]]
    return pd.concat(frames, ignore_index=True)


def _frame(content: bytes, words: list[str]) -> "pd.DataFrame":
    import pandas as pd

    options: dict[str, Any] = {"dtype": str, "keep_default_na": False, "na_values": MISSING}
    options |= {"header": 0 if "header" in words else None, "skiprows": 1 if "skip" in words else 0}
    if "excel" in words:
        require_installed("openpyxl")
        frame = pd.read_excel(io.BytesIO(content), **options)
    else:
        text, names = content.decode("utf-8-sig"), None
        if "keel" in words:
            text, names = _keel(text)
        separator = SEPARATORS[next((word for word in words if word in SEPARATORS), "comma")]
        frame = pd.read_csv(io.StringIO(text), sep=separator, names=names, skipinitialspace=True, **options)
    frame.columns = [str(name).strip() for name in frame.columns]
    frame = frame.apply(lambda column: column.str.strip())
    if "decimal-comma" in words:
        frame = frame.apply(lambda column: column.str.replace(",", "."))
    # Blanks before a comma hide a missing value from the parser.
    return frame.replace(list(MISSING), None).dropna(axis="columns", how="all")


def _keel(text: str) -> tuple[str, list[str]]:
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("%")]
    names = [line.split("{")[0].split()[1] for line in lines if line.lower().startswith("@attribute")]
    return "\n".join(line for line in lines if not line.startswith("@")), names


def encode(frame: "pd.DataFrame", target: str, drop: list[str], task: str) -> tuple[np.ndarray, np.ndarray]:
    """Turns columns of text into features and targets; rows with a missing value are left out.

    A column of numbers stays one feature. Words become a feature of zeros and ones for each value, in alphabetical
    order; two values need only one. Columns of words with more than `MOST_WORDS` values are left out.

    Args:
        frame: Columns of text.
        target: Name of the target's column.
        drop: Names of columns to leave out.
        task: "regression" or "classification".

    Returns:
        `x` and `y` as `Table` has them.

    Raises:
        InputError: If there is no such column.
    """
    unknown = sorted({target, *drop} - set(frame.columns))
    require(not unknown, f"the columns must be among {', '.join(frame.columns)}", columns=unknown)
    frame = frame.drop(columns=drop).dropna()
    labels = frame.pop(target)
    features = [feature for name in frame.columns for feature in _features(frame[name].to_numpy(object))]
    x = np.stack(features, axis=1) if features else np.zeros((len(frame), 0))
    return x.astype(np.float32), _targets(labels.to_numpy(object), task)


def _features(column: np.ndarray) -> list[np.ndarray]:
    numbers = _numbers(column)
    if numbers is not None:
        return [numbers]
    values = sorted(set(column))
    if len(values) > MOST_WORDS:
        return []
    return [(column == value).astype(float) for value in (values[1:] if len(values) == 2 else values)]


def _targets(column: np.ndarray, task: str) -> np.ndarray:
    numbers = _numbers(column)
    if task == "regression":
        require(numbers is not None, "targets of a regression must be numbers", first=str(column[:1]))
        return np.asarray(numbers, np.float32)[:, None]
    # Numbers in their order, not in that of their digits.
    return np.unique(column.astype(str) if numbers is None else numbers, return_inverse=True)[1].astype(np.int64)


def _numbers(column: np.ndarray) -> np.ndarray | None:
    try:
        return column.astype(float)
    except ValueError:
        return None
