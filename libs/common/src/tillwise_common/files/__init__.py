"""Finished files: exports that wait to be fetched, in a folder or in an S3-compatible bucket."""
