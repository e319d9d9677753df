# Sourced by demo and test: makes a virtual environment inside the checkout, or reuses it.

# Prints a Python that fra_live runs on; $PYTHON comes first where it is set.
find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11 python; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
            >/dev/null 2>&1; then
            command -v "$candidate"
            return
        fi
    done
    echo "No Python 3.11, 3.12 or 3.13 was found: install one (on Debian 12 or Ubuntu 24.04:" \
        "sudo apt-get install python3 python3-venv), or name it: PYTHON=/path/to/python $0" >&2
    return 1
}

# prepare_environment ROOT VENV EXTRAS SIZE: afterwards VENV has fra_live from ROOT with EXTRAS.
prepare_environment() {
    local root=$1 venv=$2 extras=$3 size=$4 python stamp
    python=$(find_python)
    unset PYTHONHOME PYTHONPATH
    stamp=$(cd "$root" && "$python" -c '
import hashlib, pathlib, sys
parts = [pathlib.Path(name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
parts += [text.encode() for text in (sys.version, *sys.argv[1:])]
print(hashlib.sha256(b"\0".join(parts)).hexdigest())' "$root" "$extras")
    if [[ -x $venv/bin/python && $(cat "$venv/stamp" 2>/dev/null) == "$stamp" ]]; then
        return
    fi
    if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        echo "$python cannot make virtual environments:" \
            "sudo apt-get install python3-venv, then try again." >&2
        return 1
    fi
    echo "Installing fra_live[$extras] into ${venv#"$root"/} ($size; only this once) …" >&2
    # --clear only where Python itself changed or moved: most packages can stay otherwise.
    if ! "$venv/bin/python" -c 'import pip' >/dev/null 2>&1 ||
        [[ $("$venv/bin/python" -VV) != "$("$python" -VV)" ]]; then
        "$python" -m venv --clear "$venv"
    fi
    rm -f "$venv/stamp"
    if ! "$venv/bin/python" -m pip install -qq --disable-pip-version-check --no-input \
        --constraint "$root/constraints.txt" --editable "$root[$extras]"; then
        echo "The installation failed for the reason above; run $0 again to go on." >&2
        return 1
    fi
    echo "$stamp" >"$venv/stamp"
}
