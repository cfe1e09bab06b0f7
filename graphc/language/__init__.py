"""What the user writes: SymPy classes for sizes, indices, tensors, reductions and vector notation, and `System`."""
