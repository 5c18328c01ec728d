"""Stage `calibrate`: what is each reward worth on the policy's own responses, and can the one for training be gamed?"""
