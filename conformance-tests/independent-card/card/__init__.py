"""A Tillcard, written from docs/protocol.md alone."""
