"""The pipeline's parts: one package a stage, and below them the rooms that stages share."""
