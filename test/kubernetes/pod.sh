# Runs the Deployment's pod with `podman kube play`: what it may do, its token, its probes, and how it stops. Then one pod of
# the load Job beside it.

pod=echobahn-pod-0
container=$pod-echobahn
inside() { engine exec "$container" "$@"; }
status() { inside sed -n "s/^$1:[[:space:]]*//p" /proc/1/status; }
# answer PATH [curl's options...]: the status of the admin server's answer.
answer() { curl --silent --output /dev/null --write-out '%{http_code}' --max-time 5 "${@:2}" "http://127.0.0.1:$admin_port$1"; }
answers() { [[ $(answer "$2") == "$1" ]]; }
described() {
  node --input-type=module --eval "import { WebSocket } from 'ws'
    const socket = new WebSocket('ws://127.0.0.1:$port/?eb-describe')
    socket.on('message', text => { const { pod, namespace } = JSON.parse(text); console.log(pod, namespace); socket.close() })"
}

echo '# image'
# shellcheck source=/dev/null
source test/container/base.sh
image=$(kubectl kustomize deploy/kubernetes/base | sed -n 's/^ *image: //p')
# The registry that npm uses here, and the certificates that it is trusted by, for the build alone.
printf 'registry=%s\ncafile=/etc/npm-ca.crt\n' "$(npm config get registry 2>/dev/null)" >"$work/npmrc"
build_home=/root
volumes=(--volume "$work/npmrc:$build_home/.npmrc:ro" --volume /etc/ssl/certs/ca-certificates.crt:/etc/npm-ca.crt:ro)
check "buildah builds $image" \
  buildah build --isolation=chroot --network host --pull=never --format docker "${volumes[@]}" --tag "$image" .

echo '# pod'
read -r port admin_port < <(node test/container/free-ports.mjs 2)
kubectl kustomize deploy/kubernetes/base | node test/kubernetes/playable.mjs service "$port" "$admin_port" >"$work/pod.yaml"
kubectl create secret generic echobahn-admin --from-literal=token=unguessable --dry-run=client --output yaml >"$work/secret.yaml"
check 'the Secret of the page' engine kube play "$work/secret.yaml"
check 'podman kube play' engine kube play "$work/pod.yaml"
eventually 'readiness' answers 200 /readyz
check 'liveness' answers 200 /livez
same 'user id' 1000 "$(inside id -u)"
same 'capabilities' 0000000000000000 "$(status CapBnd)"
same 'no new privileges' 1 "$(status NoNewPrivs)"
same 'a filter of system calls' 2 "$(status Seccomp)"
for folder in / /tmp /app; do
  check "$folder is read-only" sh -c "podman exec --user 0 $container touch $folder/x 2>&1 | grep 'Read-only file system'"
done
same 'octets of memory' "$((1536 * 2 ** 20))" "$(engine inspect "$container" --format '{{.HostConfig.Memory}}')"
# This podman mounts the Secret's base64 as it is; a kubelet decodes it.
authorization="Authorization: Bearer $(inside cat /run/secrets/echobahn/token)"
same 'metrics without the token' 401 "$(answer /metrics)"
same 'metrics with the token of the file' 200 "$(answer /metrics --header "$authorization")"
same "workers, asked by the Service's name" 200 "$(answer /workers --header "$authorization" --header 'Host: echobahn-admin.default.svc:8889')"
same 'workers, asked by another name' 403 "$(answer /workers --header "$authorization" --header 'Host: example.com')"
check 'echoes: text, binary, compressed, 1 MiB' node test/container/client.mjs exchange "ws://127.0.0.1:$port"
same 'pod and namespace of describe' "$pod default" "$(described)"

echo '# load'
address=$(engine inspect "$container" --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}')
kubectl kustomize deploy/kubernetes/load | node test/kubernetes/playable.mjs load "$address" >"$work/load.yaml"
check 'podman kube play of a pod of the Job' engine kube play "$work/load.yaml"
same 'exit code of the load' 0 "$(engine wait echobahn-load-0-load)"
engine logs echobahn-load-0-load >"$work/load.log" 2>&1
check 'the text comes first' grep -q 'messages/s' "$work/load.log"
sed -n '/^{$/,$p' "$work/load.log" >"$work/load.json"
check 'then results that load merge reads' \
  engine run --rm --volume "$work/load.json:/load.json:ro" --network none "$image" load merge /load.json

echo '# stop'
node test/container/client.mjs hold 3 "ws://127.0.0.1:$port" >"$work/held" &
client=$!
eventually 'clients are connected' grep -x 'open 3' "$work/held"
SECONDS=0
# The container, not the pod: as the kubelet does, and the network stays until it has ended.
engine stop --time 60 "$container" >/dev/null &
stopping=$!
eventually 'readiness turns to 503' answers 503 /readyz
check 'liveness stays' answers 200 /livez
check 'new clients are still served' node test/container/client.mjs exchange "ws://127.0.0.1:$port"
same 'clients that were told to go by then' 0 "$(grep -c closed "$work/held" || true)"
wait "$client" "$stopping"
same 'clients get' 'closed 1001 closed 1001 closed 1001' "$(grep closed "$work/held" | xargs)"
same 'exit code' 0 "$(engine inspect "$container" --format '{{.State.ExitCode}}')"
check "it took at least the drain delay, and less than the grace: $SECONDS s" test "$SECONDS" -ge 10 -a "$SECONDS" -lt 60
