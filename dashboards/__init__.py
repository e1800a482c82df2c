"""The dashboard: pages assembled from views, served on this machine only unless told otherwise."""
