#!/usr/bin/env bash
# Three hosts in network namespaces: a head node and two workers, of which one is lost while the demo runs on them.
# The results must be those of a run in one process, bit for bit. All is put away at the end, whatever happens.
#
#     tests/namespaces.sh [kill|cut]      kill every process of the host (the default), or cut its link
#
# For root on Linux, with iproute2; PYTHON names the interpreter of an environment with attnmetrics.
set -euo pipefail

fault=${1:-kill}
[[ $fault == kill || $fault == cut ]] || { echo "expected kill or cut, found $fault" >&2; exit 2; }
[[ $EUID == 0 ]] || { echo "network namespaces are for root" >&2; exit 2; }

cd "$(dirname "$0")/.."
python=$(command -v "${PYTHON:-python}")
ray=$(dirname "$python")/ray
work=$(mktemp -d /tmp/nsXXXX) # short: Ray keeps sockets in it
tag=$$
hosts=(head lost kept)
head=10.77.0.1
options=(--model demo --corpus demo --max-documents 12 --shard-characters 400 --exemplars 5)

on() { # HOST COMMAND...
    ip netns exec "attn-$tag-$1" "${@:2}"
}

kill_host() {
    ip netns pids "attn-$tag-$1" | xargs --no-run-if-empty kill -KILL
}

tear_down() {
    local code=$?
    for host in "${hosts[@]}" switch; do
        if ip netns pids "attn-$tag-$host" >/dev/null 2>&1; then
            kill_host "$host"
            ip netns delete "attn-$tag-$host"
        fi
    done
    [[ $code == 0 ]] || tail -n 20 "$work"/*.log >&2
    rm -rf "$work"
}
trap tear_down EXIT

until_true() { # SECONDS COMMAND...
    local deadline=$((SECONDS + $1))
    until "${@:2}"; do
        ((SECONDS < deadline)) || { echo "waited $1 s for: ${*:2}" >&2; return 1; }
        sleep 0.2
    done
}

has_nodes() { # asking takes seconds of a core
    sleep 2
    [[ $(on head "$ray" status --address "$head:6379" 2>/dev/null | grep -c ' node_') == "$1" ]]
}

has_commits() {
    compgen -G "$work/run/commits/*.json" | sed -n "$1p" | grep -q .
}

# A switch and three hosts; nothing of the network outside is touched.
ip netns add "attn-$tag-switch"
on switch ip link add bridge type bridge
on switch ip link set bridge up
for index in "${!hosts[@]}"; do
    host=${hosts[index]}
    ip netns add "attn-$tag-$host"
    on switch ip link add "$host" type veth peer name eth0 netns "attn-$tag-$host"
    on switch ip link set "$host" master bridge up
    on "$host" ip address add "10.77.0.$((index + 1))/24" dev eth0
    on "$host" ip link set eth0 up
    on "$host" ip link set lo up
done

# Token authentication, as between real hosts. A host that is lost counts as dead after 5 s.
RAY_AUTH_TOKEN=$("$python" -c 'import secrets; print(secrets.token_hex(32))')
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN OMP_NUM_THREADS=1
health='{"health_check_period_ms": 1000, "health_check_timeout_ms": 1000, "health_check_failure_threshold": 5}'
common=(--block --disable-usage-stats)
on head "$ray" start --head --port 6379 --node-ip-address "$head" --num-cpus 0 --include-dashboard false \
    --system-config "$health" --temp-dir "$work/head" "${common[@]}" >"$work/head.log" 2>&1 &
until_true 120 has_nodes 1
for index in 1 2; do
    host=${hosts[index]} # a host that has little time may not start within Ray's 30 s
    on "$host" bash -c 'until "$@"; do sleep 1; done' start "$ray" start --address "$head:6379" \
        --node-ip-address "10.77.0.$((index + 1))" --num-cpus 1 "${common[@]}" >"$work/$host.log" 2>&1 &
    until_true 120 has_nodes $((index + 1))
done
if on kept env RAY_AUTH_TOKEN=wrong "$ray" status --address "$head:6379" >/dev/null 2>&1; then
    echo "the cluster answers without its token" >&2
    exit 1
fi

"$python" -m attnmetrics run "${options[@]}" --engine inline --out "$work/alone" --quiet >"$work/alone.log" 2>&1
on head "$python" -m attnmetrics run "${options[@]}" --address "$head:6379" --out "$work/run" >"$work/run.log" 2>&1 &
run=$!
until_true 300 has_commits 3
if [[ $fault == kill ]]; then kill_host lost; else on switch ip link set lost down; fi
echo "lost a host ($fault) after $(find "$work/run/commits" -name '*.json' | wc -l) shards"
kill -0 "$run"
wait "$run"

for output in results.zarr exemplars.parquet tables; do
    diff --recursive --brief "$work/alone/$output" "$work/run/$output"
done
echo "same bits: $(find "$work/run/commits" -name '*.json' | wc -l) shards on three hosts, one lost on the way"
