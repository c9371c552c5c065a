# Builds the image as the Dockerfile says, and proves it alone: what is in it, what it may do, and how it stops.

container=echobahn-alone
label() { engine image inspect echobahn:test --format "{{index .Config.Labels \"org.opencontainers.image.$1\"}}"; }
config() { engine image inspect echobahn:test --format "{{json .Config.$1}}"; }
inside() { engine exec "$container" "$@"; }
status() { inside sed -n "s/^$1:[[:space:]]*//p" /proc/1/status; }
# The levels that lines of the log have, each once; fails where there is no line, and for one that is not JSON.
log_levels() {
  node --input-type=module --eval '
    import { readFileSync } from "node:fs"
    const lines = readFileSync(process.argv[1], "utf8").trim().split("\n")
    console.log([...new Set(lines.map(line => JSON.parse(line).level))].sort().join(" "))' "$work/log"
}

echo '# build'
# The registry that npm uses here, and the certificates that it is trusted by, for the build alone.
printf 'registry=%s\ncafile=/etc/npm-ca.crt\n' "$(npm config get registry 2>/dev/null)" >"$work/npmrc"
build_home=/root
volumes=(--volume "$work/npmrc:$build_home/.npmrc:ro" --volume /etc/ssl/certs/ca-certificates.crt:/etc/npm-ca.crt:ro)
# Docker's format: that of OCI has no place for HEALTHCHECK.
buildah build --isolation=chroot --network host --pull=never --format docker "${volumes[@]}" \
  --build-arg REVISION="$(git rev-parse HEAD)" --tag echobahn:test . >"$work/build.log" 2>&1 ||
  { cat "$work/build.log" >&2; exit 1; }

echo '# image'
same 'label version' "$(node -p 'require("./package.json").version')" "$(label version)"
same 'label revision' "$(git rev-parse HEAD)" "$(label revision)"
same 'label title' echobahn "$(label title)"
same 'user' '"1000:1000"' "$(config User)"
same 'stop signal' '"SIGTERM"' "$(config StopSignal)"
same 'healthcheck' '["CMD","echobahn","healthcheck"]' "$(engine image inspect echobahn:test --format '{{json .HealthCheck.Test}}')"

echo '# container'
read -r port admin_port < <(node test/container/free-ports.mjs 2)
# As in docker-compose.yml, but on the host's network and with the small limits of lib.sh.
engine run --detach --name "$container" --network host --read-only --tmpfs /tmp --cap-drop ALL \
  --security-opt no-new-privileges --memory 1g --cpus 2 --pids-limit 512 \
  --env ECHOBAHN_HOST=127.0.0.1 --env ECHOBAHN_PORT="$port" --env ECHOBAHN_ADMIN_PORT="$admin_port" \
  echobahn:test --max-connections 1000 >/dev/null
eventually 'healthcheck of the image' engine healthcheck run "$container"
check 'healthcheck tells what it proved' inside sh -c 'echobahn healthcheck | grep -q "^healthy: .*echoes$"'
check 'healthcheck fails for a port where nobody listens' \
  inside sh -c 'reason=$(echobahn healthcheck --port 1 2>&1); [ $? -eq 1 ] && echo "$reason" | grep ECONNREFUSED'
check 'echoes: text, binary, compressed, 1 MiB' node test/container/client.mjs exchange "ws://127.0.0.1:$port"
same 'user id' 1000 "$(inside id -u)"
same 'capabilities' 0000000000000000 "$(status CapBnd)"
same 'no new privileges' 1 "$(status NoNewPrivs)"
check 'read-only root' sh -c "podman exec --user 0 $container touch /x 2>&1 | grep 'Read-only file system'"
check 'the service and what it needs are in /app' inside test -f /app/dist/main.js -a -d /app/node_modules/ws
for path in node_modules/typescript node_modules/@biomejs node_modules/@types src test; do
  check "no $path" inside test ! -e "/app/$path"
done
engine logs "$container" >"$work/stdout" 2>"$work/log"
same 'stdout' "listening ws://127.0.0.1:$port admin http://127.0.0.1:$admin_port" "$(cat "$work/stdout")"
workers=$(inside node --print 'os.availableParallelism()')
same 'workers that the log calls ready' "$workers" "$(grep -c '"msg":"worker ready"' "$work/log" || true)"
check 'every line of the log is JSON' log_levels
same 'levels of the log, which are neither warnings nor errors' 30 "$(log_levels)"

echo '# stop'
node test/container/client.mjs hold 1 "ws://127.0.0.1:$port" >"$work/held" &
client=$!
eventually 'a client is connected' grep -x 'open 1' "$work/held"
engine stop --time 20 "$container" >/dev/null
wait "$client"
same 'SIGTERM drains' 'closed 1001' "$(tail -n 1 "$work/held")"
same 'exit code' 0 "$(engine inspect "$container" --format '{{.State.ExitCode}}')"
engine rm "$container" >/dev/null
