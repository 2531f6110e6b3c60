"""How much runs at once, and where. No number depends on it beyond rounding."""
