"""The figures that the paper prints, and the points that it draws.

The paper: H. Hammoud, O. Liossatos and L. Nicollier, *Adaptive Sharpness and Generalization*, EPFL. The points in
`published_points.csv` are the 150 of its Figure 1, read off the picture. Their tau is -0.324 (fcnn), -0.181 (lenet) and
-0.186 (gat), where the figure prints -0.311, -0.180 and -0.185.
"""

import dataclasses
from importlib import resources

import pandas as pd


@dataclasses.dataclass(frozen=True, kw_only=True)
class Published:
    """Kendall's tau of one of the paper's three pools.

    Attributes:
        tau: Rank correlation between sharpness and test loss.
        p_value: Its p-value. The paper gives no interval.
        num_models: Models in the pool.
        rho: Radius at which the sharpness was measured (Table I).
        source: Where in the paper.
    """

    tau: float
    p_value: float
    num_models: int
    rho: float
    source: str = "Fig. 1"


PUBLISHED = {
    "fcnn": Published(tau=-0.311, p_value=0.0014, num_models=50, rho=0.025),
    "lenet": Published(tau=-0.180, p_value=0.065, num_models=50, rho=0.0001),
    "gat": Published(tau=-0.185, p_value=0.058, num_models=50, rho=0.02),
}


def published_points() -> pd.DataFrame:
    """Returns the points of the paper's Figure 1, a row each: columns `model`, `sharpness` and `test_loss`."""
    with resources.files(__package__).joinpath("published_points.csv").open() as file:
        return pd.read_csv(file)
