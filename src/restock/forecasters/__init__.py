"""The LSTM, the baselines, and the bundle that is served."""
