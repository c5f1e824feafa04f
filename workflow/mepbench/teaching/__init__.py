"""What teaches the network potential: which reactions, which of their geometries, and how."""
