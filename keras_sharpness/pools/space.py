"""The settings of a pool: all combinations of hyper-parameters, a list of them, or a random draw."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_sharpness.errors import require, require_count, require_seed

Setting = dict[str, Any]
"""A value for each hyper-parameter."""
Space = Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""Values of each hyper-parameter, or the settings themselves."""

# Columns of a pool's table that no hyper-parameter may take.
TAKEN = (
    *("index", "setting", "seed", "seeds", "epochs", "status", "gap", "error_gap", "seconds"),
    *("training_loss", "training_error", "test_loss", "test_error", "worst_class_error"),
)


def settings_of(space: Space, num_settings: int | None = None, seed: int = 0) -> list[Setting]:
    """Returns the settings that a user means.

    Args:
        space: Values of each hyper-parameter, of which all combinations are settings; or a list of settings. With
            `num_settings`, values may also be a distribution of `scipy.stats`.
        num_settings: Settings to draw: of the combinations without replacement where all values are lists, else each
            value independently. None: all.
        seed: Seed of the draw.

    Returns:
        Settings with the same names, in the same order.

    Raises:
        InputError: If there are no settings, one is there twice, or a name cannot be a column of the pool's table.
    """
    require_seed(seed)
    if num_settings is not None:
        require_count("num_settings", num_settings)
    settings = _drawn(space, num_settings, seed) if isinstance(space, Mapping) else _listed(space, num_settings)
    names = [*settings[0]]
    require(
        all(isinstance(name, str) and name not in TAKEN for name in names),
        f"`space` must name hyper-parameters, other than the columns {', '.join(TAKEN)}",
        names=names,
    )
    seen: list[Setting] = []
    for setting in settings:
        require(setting not in seen, "`space` must hold each setting once", twice=setting)
        seen.append(setting)
    return settings


def _listed(space: Sequence[Mapping[str, Any]], num_settings: int | None) -> list[Setting]:
    known = isinstance(space, Sequence) and len(space) > 0 and all(isinstance(part, Mapping) for part in space)
    require(known, "`space` must be a dictionary of values, or a list of settings", space=type(space).__name__)
    require(num_settings is None, "`num_settings` must be left out where `space` lists settings", given=num_settings)
    names = [*space[0]]
    for setting in space:
        require(set(setting) == set(names), "`space` must give each setting the same names", setting=dict(setting))
    return [{name: _plain(setting[name]) for name in names} for setting in space]


def _drawn(space: Mapping[str, Any], num_settings: int | None, seed: int) -> list[Setting]:
    lists = {name: [*map(_plain, values)] for name, values in space.items() if _is_list(values)}
    empty = [name for name, values in lists.items() if not values]
    require(not empty, "`space` must give each hyper-parameter at least one value", empty=empty)
    others = [name for name in space if name not in lists]
    distributions = [name for name in others if hasattr(space[name], "rvs")]
    allowed = others == distributions and (not others or num_settings is not None)
    require(
        allowed,
        "`space` must give a list of values for each name, or with `num_settings` a distribution of scipy.stats",
        names=others,
    )
    rng = np.random.default_rng(seed)
    if distributions and num_settings is not None:
        draw = lambda name: _plain(  # noqa: E731
            lists[name][rng.integers(len(lists[name]))] if name in lists else space[name].rvs(random_state=rng)
        )
        return [{name: draw(name) for name in space} for _ in range(num_settings)]
    grid = [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())]
    if num_settings is None:
        return grid
    require(num_settings <= len(grid), f"`num_settings` must be at most {len(grid)}, all there are", given=num_settings)
    return [grid[k] for k in sorted(rng.choice(len(grid), num_settings, replace=False))]


def _is_list(values: Any) -> bool:
    return isinstance(values, (Sequence, np.ndarray)) and not isinstance(values, str)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
