"""Figures and reports of finished runs. Draws and writes what it is given; measures nothing."""
