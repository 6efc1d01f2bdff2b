"""Names of the attributes that are stored with a study and its attempts. They never change."""

# Of a study.
SWEEP = "restock.sweep"
NUM_TRIALS = "restock.num_trials"
STOP = "restock.stop"
KEY = "restock.key"
# Of an attempt at a trial.
SLOT = "slot"
WORKER = "worker"
RETRIES = "retries"
ERROR = "error"
OUTCOME = "outcome"
RELEASED = "released"
# What Keras Tuner decides about a trial.
SHARE = "share"
RESUMES = "resumes"
KNOWN = "known"
