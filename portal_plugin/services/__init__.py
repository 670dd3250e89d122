"""One function per use case; each owns exactly one transaction and announces what it did after the commit."""
