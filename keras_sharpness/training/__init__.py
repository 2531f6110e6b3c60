"""Training that seeks flat minima, and sharpness followed while a model trains."""
