"""The blueprint: pages for clients, and nothing that decides."""
