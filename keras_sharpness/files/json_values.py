"""Values as JSON has them."""

import math
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """Returns a value as dictionaries, lists, texts and numbers that JSON has.

    Args:
        value: Arrays and tables become lists, NumPy's numbers those of Python, non-finite ones None.
    """
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if hasattr(value, "iloc"):  # a table
        return plain(value.to_dict("records"))
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(entry) for entry in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
