"""The global LSTM. Its backend module comes first: it must speak before Keras is imported."""

from restock.forecasters.lstm import backend as backend
