"""Comparisons of papers done again, with their figures beside ours."""
