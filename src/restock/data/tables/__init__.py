"""Reading tables from disk: finding the files, unpacking them, and one module a format."""
