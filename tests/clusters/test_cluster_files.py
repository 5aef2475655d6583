"""What starts a cluster, checked without one: schemas, the autoscaler's own validation, linters, a dry Slurm job."""

import copy
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from attnmetrics.cli import app

REPOSITORY = Path(__file__).parents[2]
CLUSTER = REPOSITORY / "cluster"
KUBERNETES = "1.35"
PAGES = sorted(CLUSTER.glob("*.md"))

# Fields of KubeRay's resources (v1.6) that the manifests may use; pods are checked by Kubernetes' own schema.
RAY_JOB = {"entrypoint", "backoffLimit", "shutdownAfterJobFinishes", "ttlSecondsAfterFinished", "rayClusterSpec"}
RAY_CLUSTER = {
    "rayVersion",
    "authOptions",
    "enableInTreeAutoscaling",
    "autoscalerOptions",
    "headGroupSpec",
    "workerGroupSpecs",
}
AUTOSCALER = {"version", "idleTimeoutSeconds", "resources"}
HEAD = {"serviceType", "enableIngress", "rayStartParams", "template"}
WORKERS = {"groupName", "replicas", "minReplicas", "maxReplicas", "rayStartParams", "template"}


def load(name: str) -> dict[str, Any]:
    return yaml.safe_load((CLUSTER / name).read_text(encoding="utf-8"))


def cluster_spec(manifest: dict[str, Any]) -> dict[str, Any]:
    return manifest["spec"].get("rayClusterSpec", manifest["spec"])


def check_fields(value: dict[str, Any], allowed: set[str]) -> None:
    assert set(value) == allowed, set(value) ^ allowed


def check_pods(template: dict[str, Any]) -> None:
    """A pod of ours: of Kubernetes' schema, no more than what it asked for, no rights, no secret in the file."""
    import kubernetes_validate

    pod = {"apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "pod"}, "template": template}
    kubernetes_validate.validate(pod, KUBERNETES, strict=True)
    spec = template["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["terminationGracePeriodSeconds"] >= 30
    assert spec["serviceAccountName"] == "attnmetrics"
    for container in spec["containers"]:
        assert container["resources"]["requests"] == container["resources"]["limits"]
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert [item["name"] for item in container["env"]] == ["AWS_REGION"]


def check_manifest(manifest: dict[str, Any]) -> dict[str, Any]:
    """Raise unless a RayJob or RayCluster is well-formed, closed and authenticated; the autoscaler's node types."""
    from ray.autoscaler._private.kuberay.autoscaling_config import _derive_autoscaling_config_from_ray_cr

    check_fields(manifest, {"apiVersion", "kind", "metadata", "spec"})
    assert manifest["apiVersion"] == "ray.io/v1"
    check_fields(manifest["spec"], {"RayJob": RAY_JOB, "RayCluster": RAY_CLUSTER}[manifest["kind"]])
    spec = cluster_spec(manifest)
    check_fields(spec, RAY_CLUSTER)
    assert spec["authOptions"] == {"mode": "token"}
    check_fields(spec["autoscalerOptions"], AUTOSCALER)
    head, workers = spec["headGroupSpec"], spec["workerGroupSpecs"]
    check_fields(head, HEAD)
    assert (head["serviceType"], head["enableIngress"]) == ("ClusterIP", False)
    for group in workers:
        check_fields(group, WORKERS)
    for group in (head, *workers):
        check_pods(group["template"])
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
    resource = {"metadata": {"name": "attnmetrics", "namespace": "default"}, "spec": spec}
    return _derive_autoscaling_config_from_ray_cr(resource)["available_node_types"]


@pytest.mark.parametrize(("name", "least"), [("rayjob.yaml", (2, 1)), ("raycluster.yaml", (0, 0))])
def test_kuberay_pools(name: str, least: tuple[int, int]) -> None:
    types = check_manifest(load(name))
    assert types["headgroup"]["resources"]["CPU"] == 0
    assert "GPU" not in types["headgroup"]["resources"]
    assert "GPU" not in types["annotate"]["resources"]
    assert types["annotate"]["resources"]["CPU"] == 16
    assert (types["measure"]["resources"]["CPU"], types["measure"]["resources"]["GPU"]) == (8, 1)
    assert (types["annotate"]["min_workers"], types["measure"]["min_workers"]) == least
    assert types["annotate"]["max_workers"] > 0
    assert types["measure"]["max_workers"] > 0


def test_kuberay_manifests_share_their_cluster() -> None:
    def without_sizes(name: str) -> dict[str, Any]:
        spec = cluster_spec(load(name))
        for group in spec["workerGroupSpecs"]:
            del group["replicas"], group["minReplicas"]
        return spec

    assert without_sizes("rayjob.yaml") == without_sizes("raycluster.yaml")


def test_rayjob_resumes_and_ends() -> None:
    spec = load("rayjob.yaml")["spec"]
    assert spec["backoffLimit"] > 0
    assert spec["shutdownAfterJobFinishes"] is True
    check_command(spec["entrypoint"].replace("/opt/attnmetrics/", ""))


def edit(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """A function that sets one value of a nested document."""
    *parents, last = path.split(".")

    def apply(document: dict[str, Any]) -> None:
        for key in parents:
            document = document[int(key) if key.isdecimal() else key]
        document[last] = value

    return apply


CONTAINER = "spec.headGroupSpec.template.spec.containers.0"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.autoscale", True),
        ("spec.authOptions.mode", "disabled"),
        ("spec.headGroupSpec.serviceType", "LoadBalancer"),
        ("spec.headGroupSpec.enableIngress", True),
        ("spec.headGroupSpec.rayStartParams.num-cpus", 0),
        ("spec.headGroupSpec.template.spec.tolerances", []),
        ("spec.headGroupSpec.template.spec.terminationGracePeriodSeconds", "60"),
        ("spec.workerGroupSpecs.0.template.spec.tolerations", {"key": "spot"}),
        ("spec.workerGroupSpecs.1.maxReplica", 3),
        (f"{CONTAINER}.resources.requests.cpu", "1"),
        (f"{CONTAINER}.securityContext.allowPrivilegeEscalation", True),
        (f"{CONTAINER}.env", [{"name": "AWS_SECRET_ACCESS_KEY", "value": "x"}]),
    ],
)
def test_kuberay_mistakes_are_refused(path: str, value: Any) -> None:
    from kubernetes_validate import ValidationError

    manifest = load("raycluster.yaml")
    edit(path, value)(manifest)
    with pytest.raises((AssertionError, ValidationError)):
        check_manifest(manifest)


def check_aws(config: dict[str, Any]) -> dict[str, Any]:
    """Raise unless `ray up` and EC2 would take the file, and nothing is left open; the node types."""
    from ray.autoscaler._private.util import prepare_config, validate_config

    prepared = prepare_config(copy.deepcopy(config))
    validate_config(prepared)
    for node in prepared["available_node_types"].values():
        check_instance(node["node_config"])
    start = " ".join(prepared["head_start_ray_commands"])
    assert "--dashboard-host=127.0.0.1" in start
    assert "--num-cpus=0" in start
    for command in (*prepared["head_start_ray_commands"], *prepared["worker_start_ray_commands"]):
        assert "ray start" not in command or command.startswith("RAY_AUTH_MODE=token ")
    assert prepared["file_mounts"] == {"/home/ray/.ray/auth_token": "~/.ray/auth_token"}
    return prepared["available_node_types"]


def check_instance(instance: dict[str, Any]) -> None:
    """EC2's own model of a request; a group and a role that are given keep Ray from making open ones."""
    from botocore.validate import ParamValidator

    report = ParamValidator().validate({**instance, "MinCount": 1, "MaxCount": 1}, ec2_request())
    assert not report.has_errors(), report.generate_report()
    assert instance["SecurityGroupIds"]
    assert instance["IamInstanceProfile"]["Name"]
    assert instance["MetadataOptions"]["HttpTokens"] == "required"


@cache
def ec2_request() -> Any:
    import botocore.session

    return botocore.session.get_session().get_service_model("ec2").operation_model("RunInstances").input_shape


def test_aws_pools() -> None:
    types = check_aws(load("aws.yaml"))
    assert types["head"]["resources"] == {"CPU": 0}
    assert types["head"]["max_workers"] == 0
    assert "InstanceMarketOptions" not in types["head"]["node_config"]
    assert types["annotate"]["resources"] == {"CPU": 16}
    assert types["measure"]["resources"] == {"CPU": 8, "GPU": 1}
    for pool in ("annotate", "measure"):
        assert types[pool]["min_workers"] == 0
        assert types[pool]["max_workers"] > 0
        assert types[pool]["node_config"]["InstanceMarketOptions"] == {"MarketType": "spot"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("max_worker", 3),
        ("max_workers", "many"),
        ("head_node_type", "nobody"),
        ("docker.image", 3),
        ("available_node_types.annotate.min_workers", 99),
        ("available_node_types.measure.node_config.InstanceTypes", "g6.2xlarge"),
        ("available_node_types.measure.node_config.SecurityGroupIds", []),
        ("head_start_ray_commands", ["ray start --head --num-cpus=0 --dashboard-host=127.0.0.1"]),
        ("head_start_ray_commands", ["RAY_AUTH_MODE=token ray start --head --num-cpus=0 --dashboard-host=0.0.0.0"]),
        ("worker_start_ray_commands", ["ray start --address=$RAY_HEAD_IP:6379"]),
    ],
)
def test_aws_mistakes_are_refused(path: str, value: Any) -> None:
    from jsonschema import ValidationError

    config = load("aws.yaml")
    edit(path, value)(config)
    with pytest.raises((AssertionError, ValidationError, ValueError)):
        check_aws(config)


def run_linter(name: str, *arguments: object) -> str:
    found = subprocess.run(
        [Path(sys.executable).parent / name, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    return "" if found.returncode == 0 else found.stdout + found.stderr + f"exit code {found.returncode}"


def test_container_file() -> None:
    file = CLUSTER / "Dockerfile"
    assert run_linter("hadolint", file) == ""
    text = file.read_text(encoding="utf-8")
    assert re.findall(r"^USER (.+)$", text, flags=re.MULTILINE) == ["1000"]
    assert re.findall(r"^ENV (.+)$", text, flags=re.MULTILINE) == ["RAY_AUTH_MODE=token"]
    for sources in re.findall(r"^COPY (.+) \S+$", text, flags=re.MULTILINE):
        assert all((REPOSITORY / source).exists() for source in sources.split())


def test_container_mistakes_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    text = (CLUSTER / "Dockerfile").read_text(encoding="utf-8")
    file.write_text(text.replace("USER 1000", "USER root"), encoding="utf-8")
    assert "DL3002" in run_linter("hadolint", file)


def test_slurm_script_lints() -> None:
    assert run_linter("shellcheck", CLUSTER / "slurm.sh") == ""


FAKES = {
    "scontrol": 'if [ "$1" = show ]; then printf "alpha\\nbeta\\ngamma\\n"; else echo "scontrol $*" >>"$CALLS"; fi',
    "srun": "for flag; do case $flag in --nodelist=*) export NODE=${flag#*=};; --*) ;; *) break;; esac; shift; done\n"
    'exec "$@"',
    "ray": '[ "$1" = health-check ] && exec grep -q -- --head "$CALLS"\n'
    'trap "echo $NODE stopped >>$CALLS; exit" TERM\n'
    'echo "$NODE $RAY_AUTH_MODE $RAY_AUTH_TOKEN ray $*" >>"$CALLS"\nwhile :; do sleep 0.1; done',
    "python": 'if [ "$1" = -c ]; then exec "$PYTHON" "$@"; fi\n'
    'echo "driver $RAY_ADDRESS $RAY_AUTH_TOKEN $*" >>"$CALLS"\n'
    'trap "echo driver stopped >>$CALLS; exit 130" TERM\n[ -n "$STAYS" ] || exit 3\nwhile :; do sleep 0.1; done',
}
"""Slurm, Ray and the run, as far as the script sees them: each writes down that it was called, and how."""


class SlurmJob:
    """The script in the middle of three hosts that are none."""

    def __init__(self, folder: Path, stays: bool) -> None:
        for name, body in FAKES.items():
            (folder / name).write_text(f"#!/bin/bash\n{body}\n", encoding="utf-8")
            (folder / name).chmod(0o755)
        self._calls = folder / "calls"
        environment = {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "CALLS": str(self._calls),
            "PYTHON": sys.executable,
            "STAYS": "yes" * stays,
            "SLURM_JOB_ID": "1234567",
            "SLURM_JOB_NODELIST": "alpha,beta,gamma",
            "SLURM_CPUS_PER_TASK": "16",
        }
        command = [CLUSTER / "slurm.sh", "--model", "gpt2", "--corpus", "two words.txt"]
        self.process = subprocess.Popen(command, env=environment, cwd=REPOSITORY, start_new_session=True)

    def calls(self) -> list[str]:
        return self._calls.read_text(encoding="utf-8").splitlines() if self._calls.exists() else []

    def stop(self, number: signal.Signals) -> int:
        """Wait until everything runs, send a signal, and wait for the end."""
        while not (any("driver" in call for call in self.calls()) and sum("--block" in c for c in self.calls()) == 3):
            assert self.process.poll() is None
            time.sleep(0.05)
        self.process.send_signal(number)
        return self.process.wait(timeout=60)


@pytest.fixture
def slurm_job(tmp_path: Path) -> Iterator[Callable[[bool], SlurmJob]]:
    jobs: list[SlurmJob] = []

    def start(stays: bool) -> SlurmJob:
        jobs.append(SlurmJob(tmp_path, stays))
        return jobs[-1]

    yield start
    for job in jobs:
        if job.process.poll() is None:
            os.killpg(job.process.pid, signal.SIGKILL)


def test_slurm_job_starts_ray_and_passes_the_exit_code_on(slurm_job: Callable[[bool], SlurmJob]) -> None:
    job = slurm_job(False)
    assert job.process.wait(timeout=60) == 3
    calls = job.calls()
    (driver,) = [call for call in calls if call.startswith("driver alpha")]
    _, address, token, *command = driver.split(" ")
    assert address == "alpha:24567"
    assert re.fullmatch("[0-9a-f]{64}", token)
    assert " ".join(command) == "jobs/analyze.py --model gpt2 --corpus two words.txt"
    (head,) = [call for call in calls if "--head" in call]
    assert head.startswith(f"alpha token {token} ray start --block --num-cpus=16 ")
    assert "--port=24567" in head
    assert "--include-dashboard=false" in head


@pytest.mark.parametrize(("number", "requeued"), [(signal.SIGTERM, False), (signal.SIGUSR1, True)])
def test_slurm_job_that_is_stopped_leaves_nothing(
    slurm_job: Callable[[bool], SlurmJob], number: signal.Signals, requeued: bool
) -> None:
    job = slurm_job(True)
    assert job.stop(number) == 128 + signal.SIGTERM
    calls = job.calls()
    stopped = [call for call in calls if call.endswith("stopped")]
    assert stopped == ["driver stopped", "gamma stopped", "beta stopped", "alpha stopped"]
    assert ("scontrol requeue 1234567" in calls) is requeued
    workers = [call for call in calls if "--address=alpha:24567" in call]
    assert sorted(call.split(" ")[0] for call in workers) == ["beta", "gamma"]


def commands_of(page: Path) -> list[str]:
    """The lines of a page's shell blocks, continued lines joined."""
    blocks = re.findall(r"^```bash\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def check_command(line: str) -> None:
    """Every flag after our entry points is one of their command, every file of the repository is there."""
    if match := re.search(r"(?:jobs/analyze\.py|cluster/slurm\.sh|attnmetrics run)( importance| probe)? (.*)", line):
        command = (match[1] or "run").strip()
        known = {flag for option in get_command(app).commands[command].params for flag in option.opts}
        flags = [word.split("=")[0] for word in match[2].split("#")[0].split() if word.startswith("-")]
        assert set(flags) <= known, set(flags) - known
    for path in re.findall(r"(?<![\w/.-])(?:cluster|jobs)/[\w.-]+", line):
        assert (REPOSITORY / path).exists(), path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_name_what_exists(page: Path, tmp_path: Path) -> None:
    for line in commands_of(page):
        check_command(line)
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (CLUSTER / target).exists(), target
    script = tmp_path / "page.sh"
    script.write_text("#!/bin/bash\n" + "\n".join(commands_of(page)) + "\n", encoding="utf-8")
    assert run_linter("shellcheck", script) == ""


def test_wrong_commands_are_refused() -> None:
    with pytest.raises(AssertionError):
        check_command("python jobs/analyze.py --modell gpt2")
    with pytest.raises(AssertionError):
        check_command("python jobs/analyze.py importance /shared/runs/demo --model gpt2")
    with pytest.raises(AssertionError):
        check_command("kubectl apply -f cluster/nothing.yaml")


@pytest.mark.parametrize("name", ["kuberay.md", "aws.md", "slurm.md", "image.md"])
def test_pages_answer_the_four_questions(name: str) -> None:
    text = (CLUSTER / name).read_text(encoding="utf-8")
    for heading in ("Prerequisites", "Command", "Results", "Cost"):
        assert f"\n## {heading}\n" in text


def test_costs_follow_from_the_measured_rates() -> None:
    text = (CLUSTER / "costs.md").read_text(encoding="utf-8")
    words_per_second, pieces_per_second = 14_000, 600
    words, pieces = 24.6, 28
    for annotated, measured in ((265_000, 100_000), (170_000_000, 170_000_000)):
        annotating = annotated * words / words_per_second / 3600
        measuring = measured * pieces / pieces_per_second / 3600
        assert f"| {_hours(annotating)} | {_hours(measuring)} |" in text


def _hours(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
