"""Stage `calibrate`: how well does each reward tell right from wrong, language by language?"""
