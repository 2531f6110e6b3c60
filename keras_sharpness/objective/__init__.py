"""From a model, a loss and data to the loss of a batch as a pure function of the weights."""
