"""Events in: read the body, check it, put it on the stream."""
