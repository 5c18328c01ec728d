"""Stage `reference`: the English pivot answers, votes, and keeps what it agrees with itself on."""
