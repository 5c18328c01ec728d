"""Arithmetic that responses write out: `equations` finds what is false, `expression` reads one side of an equation."""
