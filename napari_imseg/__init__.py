"""Label the images that teach most: semi-supervised segmentation inside napari."""

__version__ = "0.1.0"
