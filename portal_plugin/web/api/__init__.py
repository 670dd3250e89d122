"""The HTTP API: what `portal` does, for a practice system on another machine."""
