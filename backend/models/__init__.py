"""Models: the catalog, downloads, loading, the engines that run them, and the host that keeps them."""
