"""The way of events onto the streams: checked, packed, and held back when the consumers lag. The gateway and the worker share it."""
