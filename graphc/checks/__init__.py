"""What must hold of a system before it is compiled or called; equality of systems."""
