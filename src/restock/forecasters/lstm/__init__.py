"""The global LSTM."""
