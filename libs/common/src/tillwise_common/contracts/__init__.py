"""Message contracts: what services and clients say to each other. One file, one family of messages."""
