"""The LSTM, the baselines, and the bundle that is served."""

import os

# Before anything here imports Keras: TensorFlow prints its build flags unless told otherwise first;
# oneDNN's operations are no faster for networks of this size, and round differently from one thread
# count to the next.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
