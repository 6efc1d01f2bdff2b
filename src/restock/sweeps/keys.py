"""Names under which facts are stored with a study and its attempts: stored names never change."""

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
# What Keras Tuner settles of a trial.
EPOCHS = "epochs"
RESUMES = "resumes"
KNOWN = "known"
