"""The compiled function: arguments in, native code run, arrays out."""
