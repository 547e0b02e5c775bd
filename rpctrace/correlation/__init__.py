"""What records of a report have to do with each other, within a capture and across several; one join a file."""
