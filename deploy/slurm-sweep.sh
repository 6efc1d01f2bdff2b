#!/usr/bin/env bash
# A sweep on a SLURM cluster: every node runs the same command, the study in PostgreSQL is the truth.
#   sbatch --nodes=4 deploy/slurm-sweep.sh search.num_trials=200
# A node that is preempted (SIGTERM) finishes its epochs and gives its trials back to the others.
#SBATCH --job-name=restock-sweep
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --time=04:00:00
#SBATCH --signal=TERM@120
set -euo pipefail
: "${STUDY_URL:?say where the study is: postgresql://user@host/database}"
: "${MLFLOW_TRACKING_URI:?say where the tracking server is}"
srun --kill-on-bad-exit=0 bash -c '
    cd "$SLURM_SUBMIT_DIR"
    source .venv/bin/activate
    exec restock tune engine.study_url="$STUDY_URL" \
        engine.num_workers="${SLURM_CPUS_PER_TASK}" sweep.name="slurm-$SLURM_JOB_ID" "$@"
' restock "$@"
