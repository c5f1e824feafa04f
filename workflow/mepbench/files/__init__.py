"""What runs leave on the disk: frames, tidy tables, their columns and metrics, provenance."""
