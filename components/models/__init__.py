"""Stage `models`: settle which checkpoint plays policy and which plays pivot."""
