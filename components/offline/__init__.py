"""Scoring, calibrating and auditing anybody's rollouts: what the commands `score`, `calibrate` and `audit` do."""
