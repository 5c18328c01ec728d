"""Stage `evaluate`: base, warm-up and trained answer the test questions, greedily, in every language."""
