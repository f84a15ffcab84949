"""The formats that can be imported, one small adapter a file."""
