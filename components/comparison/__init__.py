"""Rewards side by side on the same responses: fitted, measured against labels they never saw, and priced.

Shared by the stages `calibrate` and `audit` and by the commands for anybody's rollouts.
"""
