"""The stages of the pipeline. Each module loads files, calls the library and saves the results."""
