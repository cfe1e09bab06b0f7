"""The plain interpreter: what a system means, slow and believed by reading."""
