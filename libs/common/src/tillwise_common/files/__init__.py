"""Files that services hand to each other and to clients, such as uploads and exports.

In a folder or in an S3-compatible bucket.
"""
