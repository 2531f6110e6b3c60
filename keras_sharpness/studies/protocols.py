"""The two procedures by name: that of the paper's text, and that of its released code."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_sharpness.errors import InputError, require
from keras_sharpness.studies.config import StudyConfig, study_config
from keras_sharpness.studies.released.particulars import ReleasedConfig, released_config

if TYPE_CHECKING:
    from keras_sharpness.studies.study import Study


def make_config(protocol: str = "paper", as_in_paper: Sequence[str] | None = None, **settings: Any) -> StudyConfig:
    """Returns the configuration of a study; needs no backend.

    Args:
        protocol: "paper" or "released".
        as_in_paper: Particulars of the released code that follow the paper instead.
        **settings: Other settings; those that are None keep the protocol's value.

    Returns:
        The configuration.

    Raises:
        InputError: If a setting is unknown or out of range.
    """
    require(protocol in {"paper", "released"}, "`protocol` must be paper or released", protocol=protocol)
    if protocol == "released":
        return released_config(as_in_paper=tuple(as_in_paper or ()), **settings)
    require(not as_in_paper, "`as_in_paper` must be used with the released protocol", as_in_paper=as_in_paper)
    return study_config(**settings)


def config_of(folder: str | Path) -> StudyConfig:
    """Returns the configuration of the study in a run's folder; needs no backend.

    Args:
        folder: The folder, with `config.json`.

    Returns:
        The configuration.

    Raises:
        InputError: If the file is missing or does not hold a study's settings.
    """
    path = Path(folder) / "config.json"
    require(path.is_file(), f"{path} must be the settings of a run; there is no such file")
    try:
        settings = json.loads(path.read_text())["study"]
        return make_config(
            **{name: value for name, value in settings.items() if name != "schedule"}, **settings["schedule"]
        )
    except (ValueError, LookupError, TypeError) as error:
        raise InputError(f"{path} must hold the settings of a study. Received: {error}") from error


def make_study(
    config: StudyConfig,
    data_dir: str | Path | None = None,
    download: bool = False,
    plan: str | None = None,
    distribution: Any = None,
) -> "Study":
    """Loads a study's data and builds the study.

    Args:
        config: What `make_config` returned.
        data_dir: Folder with data files.
        download: Whether data may be fetched.
        plan: "vectorized" or "sequential"; None: the faster.
        distribution: What to share out the work over; see `Study`.

    Returns:
        The study.

    Raises:
        InputError: If the data are not found or damaged, or the plan does not fit.
    """
    if isinstance(config, ReleasedConfig):
        from keras_sharpness.studies.released import datasets as released_data
        from keras_sharpness.studies.released.study import ReleasedStudy

        return ReleasedStudy(config, released_data.load(config, data_dir, download), plan, distribution)
    from keras_sharpness import data
    from keras_sharpness.studies.study import Study

    return Study(config, data.load(config.system.dataset, data_dir, download), plan, distribution)
