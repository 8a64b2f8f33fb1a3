"""Rankings, one to a file."""

DEFAULT = "im-relative"
"""The ranking that orders the queue unless another is chosen."""

QUALITY = "predicted-quality"
"""The ranking of which the queue tells what it says of an image, whatever orders it."""
