"""Prompts, models and the sampler: what every stage that makes text stands on."""
