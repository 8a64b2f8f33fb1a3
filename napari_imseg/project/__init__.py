"""One folder on disk is one project: catalog, labels, predictions and runs."""
