"""The representation: expressions, index sets, systems."""
