# For run and its parts: a storage of podman's own, counted checks, and an end that leaves nothing behind.

work=$(mktemp -d)
# Where the kernel has no overlays, every container is a whole copy of its image.
driver=$(grep -qw overlay /proc/filesystems && echo overlay || echo vfs)
# Nothing that podman has here already is used or changed. Limits must be small: runc may not raise them everywhere.
export CONTAINERS_STORAGE_CONF=$work/storage.conf CONTAINERS_CONF=$work/containers.conf
cat >"$CONTAINERS_STORAGE_CONF" <<END
[storage]
driver = "$driver"
graphroot = "$work/graph"
runroot = "$work/run"
END
cat >"$CONTAINERS_CONF" <<END
[engine]
runtime = "runc"
[network]
network_backend = "netavark"
network_config_dir = "$work/networks"
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=1024:1024"]
END

finish() {
  podman rm --all --force --time 0 >/dev/null 2>&1 || true
  podman network prune --force >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap finish EXIT

# Podman's timers for healthchecks need systemd; where there is none it complains, and the checks are run by hand. What else it
# writes to stderr is there when the function returns.
engine() {
  local complaints=$work/complaints.$BASHPID status=0
  podman "$@" 2>"$complaints" || status=$?
  grep -v 'systemd connection' "$complaints" >&2 || true
  return "$status"
}

passed=0
# check WHAT COMMAND...: the command succeeds.
check() {
  local what=$1
  shift
  "$@" >"$work/output" 2>&1 || { printf 'FAILED %s\n' "$what" >&2; cat "$work/output" >&2; exit 1; }
  printf 'ok %s\n' "$what"
  passed=$((passed + 1))
}

# same WHAT EXPECTED ACTUAL
same() { check "$1: ${2:-none}" sh -c '[ "$1" = "$2" ] || { echo "it is $2"; false; }' - "$2" "$3"; }

# eventually WHAT COMMAND...: the command succeeds within half a minute.
eventually() {
  for _ in {1..150}; do
    "${@:2}" >/dev/null 2>&1 && break
    sleep 0.2
  done
  check "$@"
}

# The tree of a Debian of release $1 in directory $2, with the packages $3 (comma-separated) beside the least.
debian() {
  local mirror
  # The mirror that apt uses here.
  mirror=$(grep -rhos 'http[^ ]*/debian/*\( \|$\)' /etc/apt/sources.list.d /etc/apt/sources.list | head -n 1 | tr -d ' ') || true
  mmdebstrap --mode=root --variant=minbase --include="$3" "$1" "$2" "${mirror:-http://deb.debian.org/debian}" \
    >"$work/debian.log" 2>&1 || { cat "$work/debian.log" >&2; return 1; }
}

# import TREE IMAGE [CHANGE...]: the tree becomes an image of that name, with the Dockerfile's instructions given.
import() {
  tar -C "$1" -c . | engine import --quiet "${@:3}" - "$2" >/dev/null
}
