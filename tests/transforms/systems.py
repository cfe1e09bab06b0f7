"""Systems written in the representation itself, for tests of what takes and gives systems."""
