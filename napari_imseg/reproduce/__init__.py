"""Comparisons of papers done again, with their figures beside ours."""

from typing import Final

NAMES: Final = ("inconsistency-masks", "actis")
"""Names of all comparisons, known before anything of them is imported."""
