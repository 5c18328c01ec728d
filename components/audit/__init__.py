"""Stage `audit`: does the calibration still hold on the trained policy's own responses?"""
