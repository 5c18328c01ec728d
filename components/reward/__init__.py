"""Reward functions under TRL's contract, and the encoders they stand on. No training code, no parameters file."""
