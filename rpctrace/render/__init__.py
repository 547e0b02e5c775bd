"""Report -> what a person or a program reads. A rendering sees the `Report` and nothing else."""
