"""One rule a file; its docstring is its documentation."""
