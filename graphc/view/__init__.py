"""Looking at a system: its LaTeX, its dependence graph, what the compiler finds in it."""
