"""Forecasters: the LSTM, the baselines, and the bundle that makes forecasts."""

import os

# These must be set before Keras is imported. The first one stops TensorFlow's messages about its
# build. The second turns off oneDNN: it is not faster for networks of this size, and its results
# depend on the number of threads.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
