"""Threads, determinism and seeds of the deep-learning backend: set here and nowhere else."""

from __future__ import annotations

import os

# The backend logs its build flags on import unless told otherwise first.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras


def prepare(seed: int, num_threads: int = 0) -> None:
    """Seed everything and make operations deterministic.

    Args:
        seed: Seed of Python, NumPy and the backend.
        num_threads: Threads per process; 0 leaves the backend's choice. Can be set once per
            process, before the first operation.
    """
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
        if num_threads and tf.config.threading.get_intra_op_parallelism_threads() != num_threads:
            tf.config.threading.set_intra_op_parallelism_threads(num_threads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
