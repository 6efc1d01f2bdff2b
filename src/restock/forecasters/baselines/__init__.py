"""The forecasters that stand beside the LSTM in every report, all behind the same interface."""
