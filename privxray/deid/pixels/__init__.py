"""Stored pixels: frames to look at, and boxes to black."""
