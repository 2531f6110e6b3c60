"""Pools: many models of one architecture, each trained from its own seed."""
