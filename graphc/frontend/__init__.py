"""SymPy equations -> System."""
