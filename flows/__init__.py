"""Prefect above DVC: when the pipeline runs, and who watches it. Nothing here shapes a result."""
