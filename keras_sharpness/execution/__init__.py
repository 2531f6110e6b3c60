"""How much runs at once, and where. No number depends on it beyond rounding.

`plan` decides how much runs at once. `blocks` lays out the work, `averaging` takes means over the examples of a batch,
`evaluators` compute the losses of a block, `evaluation` puts these together as pure functions, `compiled` keeps what
has been compiled, and `grid` runs all blocks.
"""
