#!/bin/sh
# Make or update the environment of the benchmarks, .venv-bench: the peers and the product in one
# interpreter, the product again without its speedups, and the Node.js peer where there is npm.
set -eu
cd "$(dirname "$0")/.."

venv=.venv-bench
plain=$venv/without-speedups
node=$venv/node

install() { # python, then arguments of pip
    python=$1
    shift
    "$python" -m pip --disable-pip-version-check install --quiet "$@"
}

create() {
    [ -x "$1/bin/python" ] && return
    python=${PYTHON:-$(scripts/find-python 3.13 || scripts/find-python)}
    echo "benchmarks: $1 with $python"
    "$python" -m venv "$1"
}

create "$venv"
install "$venv/bin/python" --requirement benchmarks/requirements.txt --editable ".[speedups,redis]"

create "$plain"
install "$plain/bin/python" --constraint benchmarks/requirements.txt --editable .

if command -v node >/dev/null && command -v npm >/dev/null; then
    mkdir -p "$node"
    cp benchmarks/package.json "$node"
    (cd "$node" && npm install --silent --no-audit --no-fund)
else
    echo "benchmarks: node or npm was not found, so Node.js ws WILL NOT BE MEASURED" >&2
fi

if ! command -v redis-server >/dev/null; then
    echo "benchmarks: redis-server was not found, so several processes WILL FAIL TO BE MEASURED" >&2
fi
