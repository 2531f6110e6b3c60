"""Arithmetic on lists of arrays, and random numbers that do not depend on the backend."""
