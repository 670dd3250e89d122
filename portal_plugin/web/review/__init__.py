"""The review page: what the practice sees and decides."""
