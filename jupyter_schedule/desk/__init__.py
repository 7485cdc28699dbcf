"""What stands behind every door: forms become requests, requests become operations, and what comes of them is put into
words and shapes.
"""
