"""The guess and path stages: from two ends to a path and its highest point."""
