"""Events into facts: decode what the gateway packed, store it once, roll it up, acknowledge."""
