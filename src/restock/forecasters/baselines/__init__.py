"""The forecasters that every report compares with the LSTM. All have the same interface."""
