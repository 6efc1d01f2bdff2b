"""Threads, determinism and seeds of the deep-learning backend: set here and nowhere else."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import keras

from restock.errors import ConfigError


def prepare(seed: int, num_threads: int) -> None:
    """Seed everything and make operations deterministic.

    Args:
        seed: Seed of Python, NumPy and the backend.
        num_threads: Threads inside one operation; 0: the backend chooses. It can be set only once
            per process, before the first operation. JAX ignores it and reads XLA_FLAGS.

    Raises:
        ConfigError: If TensorFlow already runs with another number of threads.
    """
    _set_imports_apart()
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        _prepare_tensorflow(num_threads)


@cache
def _set_imports_apart() -> None:
    """Once: exempt all that the imports have made from garbage collection.

    Keras collects garbage before each network. To look through half a million objects that stay
    for good takes half a second each time, and again when the process ends.
    """
    gc.freeze()


@contextmanager
def precision(policy: str) -> Iterator[None]:
    """Build layers that compute in another precision. Their weights are always float32.

    Args:
        policy: One of Keras' dtype policies, such as ``mixed_float16``.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn the backend's own errors (out of memory, a bad shape) into RuntimeError.

    Raises:
        RuntimeError: With the backend's message.
    """
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        raise RuntimeError(f"{type(error).__name__}: {error.message}") from error


def _prepare_tensorflow(num_threads: int) -> None:
    import tensorflow as tf

    # TensorFlow warns if many networks are built. Every trial needs its own, so ignore this.
    tf.get_logger().setLevel("ERROR")
    tf.config.experimental.enable_op_determinism()
    threading = tf.config.threading
    if num_threads and threading.get_intra_op_parallelism_threads() != num_threads:
        try:
            threading.set_intra_op_parallelism_threads(num_threads)
        except RuntimeError as error:
            raise ConfigError(
                f"engine.num_threads={num_threads}: the number of threads can be set only once per "
                f"process ({error}). Start a new process."
            ) from error
