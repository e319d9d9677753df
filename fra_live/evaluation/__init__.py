"""Measuring a model: figures on annotated images and clips, and pages that show them.

evaluate.py runs a set and sums it up, metrics.py holds the measures, clips.py pairs events with
true times, report.py draws the page of best detections and worst mistakes, probe.py is the floor.
"""
