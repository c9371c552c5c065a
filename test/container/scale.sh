# Starts docker-compose.yml itself with three replicas behind HAProxy and with Prometheus. The images of those two cannot be
# had without a registry: Debian's packages of the same programs stand in under the images' own names.

compose() {
  ECHO_PORT='' PROXY_PORT=$proxy_port podman-compose --in-pod false --project-name echobahn-test \
    --file docker-compose.yml --file "$work/compose.yml" --profile scale "$@" >"$work/compose.log" 2>&1 ||
    { cat "$work/compose.log" >&2; return 1; }
}
image_of() { sed -n "s#^    image: \($1:.*\)#\1#p" docker-compose.yml; }
healthy() { engine healthcheck run "echobahn-test_$1_1"; }
goodbyes() { [[ $(grep -c 'closed 1001' "$work/held") -eq $1 ]]; }
prometheus_says() { [[ $(engine exec echobahn-test_prometheus_1 promtool query instant http://127.0.0.1:9090 "$1") =~ \=\>\ $2\  ]]; }
# Connections that each replica has now, in one line.
connections() {
  local ask='fetch("http://127.0.0.1:8889/workers").then(answer => answer.json()).then(workers =>
    console.log(workers.reduce((sum, { connections }) => sum + connections, 0)))'
  for replica in 1 2 3; do engine exec "echobahn-test_echo_$replica" node --eval "$ask"; done | xargs
}

echo '# stand-ins'
debian "$release" "$work/others" haproxy,prometheus,busybox
ln -s busybox "$work/others/bin/wget"
# The folder that the real image gives to its user; and an empty one to mount the configuration at.
install -d -o 65534 -g 65534 "$work/others/prometheus"
rm -r "$work/others/etc/prometheus"
import "$work/others" "docker.io/$(image_of prom/prometheus)" --change 'ENTRYPOINT ["prometheus"]'
import "$work/others" "docker.io/library/$(image_of haproxy)" --change 'STOPSIGNAL SIGUSR1'
rm -r "$work/others"
engine tag echobahn:test "localhost/$(image_of echobahn)"

echo '# docker-compose.yml, scaled'
read -r proxy_port < <(node test/container/free-ports.mjs 1)
# What this machine allows may be less than what a Docker host allows.
cat >"$work/compose.yml" <<END
services:
  echo: { ulimits: &small { nofile: { soft: 4096, hard: 4096 }, nproc: 1024 }, command: [--max-connections, '1000'] }
  prometheus: { ulimits: *small }
  proxy: { ulimits: *small, command: [haproxy, -W, -db, -n, '1000', -f, /usr/local/etc/haproxy/haproxy.cfg] }
END
# Conditions of depends_on wait for healthchecks, which need systemd's timers: they are run by hand instead.
check 'up' compose up --detach --no-build --no-deps --scale echo=3 echo prometheus proxy
for service in echo prometheus proxy; do eventually "healthcheck of $service" healthy "$service"; done
eventually 'Prometheus finds three replicas' prometheus_says 'count(up{job="echobahn"} == 1)' 3
check 'echoes through the proxy' node test/container/client.mjs exchange "ws://127.0.0.1:$proxy_port"
node test/container/client.mjs hold 12 "ws://127.0.0.1:$proxy_port" >"$work/held" &
client=$!
eventually 'clients are connected' grep -x 'open 12' "$work/held"
same 'connections of each replica' '4 4 4' "$(connections)"
engine stop --time 20 echobahn-test_echo_2 >/dev/null
eventually 'a replica that stops tells its clients' goodbyes 4
check 'the others go on' node test/container/client.mjs exchange "ws://127.0.0.1:$proxy_port"
check 'healthcheck of proxy' healthy proxy
eventually 'Prometheus finds the two that are left' prometheus_says 'count(up{job="echobahn"} == 1)' 2
kill "$client"
check 'down' compose down --timeout 20 --volumes
