"""The stages of the pipeline: one module each that loads, calls the library and saves."""
