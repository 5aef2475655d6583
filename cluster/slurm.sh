#!/bin/bash
#SBATCH --job-name=attnmetrics
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --mem-per-cpu=3G
#SBATCH --time=12:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@60
# Ray on the nodes of one Slurm job, and a run on it: sbatch cluster/slurm.sh FLAGS-OF-attnmetrics-run
# Where the time ends, the job queues itself again; however it ends, the same command goes on from the committed shards.
set -euo pipefail

mapfile -t hosts < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
port=$((20000 + SLURM_JOB_ID % 10000)) # jobs that share a node do not meet
export RAY_ADDRESS="${hosts[0]}:$port"

# A token of this job alone, in no file; srun hands it on.
export RAY_AUTH_MODE=token
RAY_AUTH_TOKEN=$(python -c 'import secrets; print(secrets.token_hex(32))')
export RAY_AUTH_TOKEN

steps=()
driver=
# shellcheck disable=SC2329 # called by traps
stop_driver() { # it ends within seconds and keeps all committed shards
    if [[ -n $driver ]]; then
        kill -TERM "$driver" 2>/dev/null || true
        wait "$driver" || true
    fi
}
# shellcheck disable=SC2329 # called by a trap
clean_up() {
    trap '' TERM INT USR1
    stop_driver
    for ((last = ${#steps[@]} - 1; last >= 0; last--)); do # the head at last: a worker asks it for leave
        kill -TERM "${steps[last]}" 2>/dev/null || true
        wait "${steps[last]}" || true
    done
}
trap clean_up EXIT
trap 'exit 143' TERM INT
trap 'stop_driver; scontrol requeue "$SLURM_JOB_ID"; exit 143' USR1

start_ray() { # start_ray HOST FLAGS…: a raylet with the cores of this job, until its step ends
    srun --nodes=1 --ntasks=1 --nodelist="$1" --cpus-per-task="$SLURM_CPUS_PER_TASK" --exact \
        ray start --block --num-cpus="$SLURM_CPUS_PER_TASK" --disable-usage-stats "${@:2}" &
    steps+=($!)
}

start_ray "${hosts[0]}" --head --port="$port" --include-dashboard=false --temp-dir="/tmp/ray-$SLURM_JOB_ID"
until ray health-check --address "$RAY_ADDRESS" >/dev/null 2>&1; do
    kill -0 "${steps[0]}" || { echo "Ray did not start on ${hosts[0]}; its messages are above" >&2; exit 1; }
    sleep 1
done
for host in "${hosts[@]:1}"; do
    start_ray "$host" --address="$RAY_ADDRESS"
done

python jobs/analyze.py "$@" & # workers that join later are taken on as they come
driver=$!
code=0
wait "$driver" || code=$?
driver=
exit "$code"
