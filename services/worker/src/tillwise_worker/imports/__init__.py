"""What imports need beside the reading of files: the way onto the streams and the file of rejects."""
