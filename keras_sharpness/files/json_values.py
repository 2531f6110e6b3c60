"""Values as JSON has them."""

import math
from typing import Any

import numpy as np


def json_ready(value: Any) -> Any:
    """Returns a value as dictionaries, lists, texts and numbers that JSON has.

    Args:
        value: Arrays and tables become lists, NumPy's numbers those of Python, non-finite ones None.
    """
    if isinstance(value, dict):
        return {key: json_ready(entry) for key, entry in value.items()}
    if hasattr(value, "iloc"):  # a table
        return json_ready(value.to_dict("records"))
    if isinstance(value, (list, tuple, np.ndarray)):
        return [json_ready(entry) for entry in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
