"""The figures that the paper prints."""

import dataclasses


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
