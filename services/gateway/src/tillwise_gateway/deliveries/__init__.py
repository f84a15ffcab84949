"""Reports that come by themselves."""
