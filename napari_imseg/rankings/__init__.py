"""Rankings, one to a file."""

DEFAULT = "im-relative"
"""The ranking that orders the queue unless another is chosen."""
