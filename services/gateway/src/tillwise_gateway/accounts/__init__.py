"""Who may come in: stores, API keys, people, sessions."""
