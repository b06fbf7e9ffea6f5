"""A client of the Tillcard card protocol, written from docs/protocol.md alone."""
