"""Tables of what a run's `details.npz` says: sources of chance, and the gradient norm in place of sharpness."""

from collections.abc import Iterator

from keras_sharpness.reporting.detail_statistics import Details, beside_gradient_norm, corrected, over_sources
from keras_sharpness.reporting.section import Section
from keras_sharpness.reporting.wording import interval, number, quantity
from keras_sharpness.statistics import TauDifference

HEAD = ("", "tau", "95 % interval")
SOURCES = """Sharpness is a mean over batches, test loss a mean over test examples, and the models are drawn too. The
intervals are those of a bootstrap of the named source (of all three: of models, batches and examples at once). The last
line is tau without the noise of the batches; its interval is over models. The split-half reliability of sharpness is
{reliability}: the share of its variance over models that is not the noise of the batches."""
GRADIENT = """The gradient norm is the one dual to the ball's norm, in the ball's scale, on the same batches: rho times
it is the sharpness to first order. Here sharpness is {mean} of that product in the mean over models, from {low} to
{high}."""


def details_sections(details: Details, rho: float) -> Iterator[Section]:
    """Yields the tables.

    Args:
        details: The details.
        rho: The run's radius.

    Yields:
        Tau over several sources of chance; the gradient norm in place of sharpness.
    """
    without = corrected(details)
    taus = [*over_sources(details), ("without the noise of the batches", without.corrected)]
    rows = [(name, number(tau.tau), interval(tau.ci_low, tau.ci_high)) for name, tau in taus]
    note = " ".join(SOURCES.format(reliability=number(without.reliability)).split())
    yield Section(heading="Tau over models, batches and test examples", rows=[("over", *HEAD[1:]), *rows], note=note)
    beside = beside_gradient_norm(details)
    if beside and rho > 0:
        values = [(name, f.difference if isinstance(f, TauDifference) else f.tau, f) for name, f in beside]
        rows = [(name, number(value), interval(f.ci_low, f.ci_high)) for name, value, f in values]
        sharpness, norms, _ = details.means
        shares = sharpness / (rho * norms)
        numbers = {"mean": shares.mean(), "low": shares.min(), "high": shares.max()}
        note = GRADIENT.format(**{name: quantity(value) for name, value in numbers.items()})
        yield Section(heading="Gradient norm in place of sharpness", rows=[HEAD, *rows], note=" ".join(note.split()))
