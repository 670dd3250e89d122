"""The product itself: pure Python, standard library only, and `now` is always an argument."""
