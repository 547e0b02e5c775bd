"""What the commands do with terminals and files; everything below this folder is free of both."""
