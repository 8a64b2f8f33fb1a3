"""What people call the metrics; nothing is imported, so that the dock opens at once."""

from __future__ import annotations

TITLES = {
    "iou": "IoU",
    "dice": "Dice",
    "miou": "mIoU",
    "mpa": "pixel accuracy",
    "miou_ad": "mIoU of alive and dead",
    "mcce": "cell count error (lower is better)",
    "ap50_pr": "AP.50",
    "1 - loss": "1 - loss",
}
"""What people call the metrics that choose networks or compare approaches."""
