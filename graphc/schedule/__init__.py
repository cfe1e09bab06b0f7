"""System → Program: statements, their dependences, sequential loops, fused nests, storage."""
