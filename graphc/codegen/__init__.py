"""Program -> machine code: LLVM IR, in-line mathematical functions, and the just-in-time compiler."""
