"""What `make_samples.py` puts into frames: cast, the article's exchange, an ordinary day, other failures."""
