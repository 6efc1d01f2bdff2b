"""One module per DVC stage: load, call the library, save."""
