"""The results matrix as one HTML page that needs nothing else."""

from .build import render

FILE_NAME = "matrix.html"

__all__ = ["FILE_NAME", "render"]
