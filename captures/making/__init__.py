"""What `make_samples.py` puts into frames: cast, keys and tickets, the article's run, an ordinary day, other failures;
and what a domain controller's log says of it."""
