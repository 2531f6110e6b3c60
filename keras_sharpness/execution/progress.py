"""Progress of work that takes long: a bar on terminals and in notebooks, and a word on what the rest will cost."""

import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from tqdm import tqdm

T = TypeVar("T")
Bar = Any
"""A `tqdm` bar."""
log = logging.getLogger(__name__)
# Seconds until a bar is shown: what is over sooner needs none.
DELAY = 2.0
# Seconds from which the cost is named beforehand.
LONG = 60.0


def bar(total: int | None, unit: str, shown: bool = True, title: str | None = None, delay: float = DELAY) -> Bar:
    """Returns a bar to be updated by hand.

    Args:
        total: Steps; None: unknown.
        unit: What a step is.
        shown: Whether there is a bar at all. Without a terminal or notebook there is none: it would fill a log with
            control characters.
        title: Name of the bar.
        delay: Seconds until it is shown.
    """
    disable = not (shown and is_watched())
    return tqdm(total=total, unit=unit, desc=title, disable=disable, delay=delay, leave=title is not None)


def is_watched() -> bool:
    """Returns whether somebody looks, on a terminal or in a notebook, and wants bars: see `TQDM_DISABLE` of tqdm."""
    return not os.environ.get("TQDM_DISABLE") and (sys.stderr.isatty() or "ipykernel" in sys.modules)


def follow(steps: Iterable[T], total: int, unit: str, shown: bool = True) -> Iterator[T]:
    """Yields the steps of work, with a bar, and logs what the rest will cost if that is more than a minute.

    Args:
        steps: Yields something for each step.
        total: How many steps.
        unit: What a step is.
        shown: Whether anything is shown.
    """
    with bar(total, unit, shown and total > 1) as progress:
        begin = time.perf_counter()
        for number, step in enumerate(steps, 1):
            seconds = time.perf_counter() - begin
            # The first step compiles.
            if number == 2 and shown and seconds * (total - number) > LONG:
                log.info("%d more steps take about %.0f minutes", total - number, seconds * (total - number) / 60)
            progress.update()
            yield step
            begin = time.perf_counter()
