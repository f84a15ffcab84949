"""Files that services hand to each other and to clients: uploads, exports that wait to be fetched; in a folder or in an S3-compatible bucket."""
