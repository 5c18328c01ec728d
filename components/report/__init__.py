"""Stage `report`: what the run shows, as one HTML page, as Markdown and as numbers."""
