"""What a pool of models says about sharpness and generalization. Needs NumPy, SciPy and pandas only."""

from keras_sharpness.statistics.comparing import TauDifference, compare_taus
from keras_sharpness.statistics.conditional import conditional_kendall, neighbour_sensitivity
from keras_sharpness.statistics.conditional_information import ConditionalInformation, conditional_information
from keras_sharpness.statistics.correlation import Kendall, kendall
from keras_sharpness.statistics.crossed_bootstrap import crossed_bootstrap
from keras_sharpness.statistics.environments import sign_errors, summarize_sign_errors
from keras_sharpness.statistics.granulated import granulated_kendall
from keras_sharpness.statistics.jackknife import jackknife_interval
from keras_sharpness.statistics.mean import standard_error
from keras_sharpness.statistics.paired import compare_paired_taus, compare_settings
from keras_sharpness.statistics.paired_mean import PairedDifference, paired_difference
from keras_sharpness.statistics.partial import partial_kendall
from keras_sharpness.statistics.planning import pool_size, power, tau_standard_deviation, type_s_error
from keras_sharpness.statistics.random_effects import RandomEffects, random_effects
from keras_sharpness.statistics.ranking import rank_measures
from keras_sharpness.statistics.reliability import CorrectedKendall, disattenuated_kendall, split_half_reliability
from keras_sharpness.statistics.slope import LogLogSlope, log_log_slope
from keras_sharpness.statistics.stratified import StratifiedKendall, stratified_kendall
from keras_sharpness.statistics.testing import permutation_p_values

__all__ = [
    "ConditionalInformation",
    "CorrectedKendall",
    "Kendall",
    "LogLogSlope",
    "PairedDifference",
    "RandomEffects",
    "StratifiedKendall",
    "TauDifference",
    "compare_paired_taus",
    "compare_settings",
    "compare_taus",
    "conditional_information",
    "conditional_kendall",
    "crossed_bootstrap",
    "disattenuated_kendall",
    "granulated_kendall",
    "jackknife_interval",
    "kendall",
    "log_log_slope",
    "neighbour_sensitivity",
    "paired_difference",
    "partial_kendall",
    "permutation_p_values",
    "pool_size",
    "power",
    "random_effects",
    "rank_measures",
    "sign_errors",
    "split_half_reliability",
    "standard_error",
    "stratified_kendall",
    "summarize_sign_errors",
    "tau_standard_deviation",
    "type_s_error",
]
