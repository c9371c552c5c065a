# Starts docker-compose.yml itself: Prometheus alone; then three replicas behind HAProxy, with Alertmanager and node exporter. The
# images of those cannot be had without a registry: Debian's packages of the same programs stand in under the images' own names.

compose() {
  ECHO_PORT='' ADMIN_PORT='' PROXY_PORT=$proxy_port PROMETHEUS_PORT=$prometheus_port ALERTMANAGER_PORT=$alertmanager_port \
    DROP_IN=$work/drop-in VUS=2 RAMP=1s STEADY=3s \
    podman-compose --in-pod false --project-name echobahn-test --file docker-compose.yml --file "$work/compose.yml" \
    --profile scale --profile alerts --profile machine --profile load "$@" >"$work/compose.log" 2>&1
}
started() { compose up --detach --no-build --no-deps "$@" || { cat "$work/compose.log" >&2; return 1; }; }
image_of() { sed -n "s#^    image: \($1:.*\)#\1#p" docker-compose.yml; }
healthy() { engine healthcheck run "echobahn-test_$1_1"; }
goodbyes() { [[ $(grep -c 'closed 1001' "$work/held") -eq $1 ]]; }
ask_prometheus() { engine exec echobahn-test_prometheus_1 promtool query instant http://127.0.0.1:9090 "$1"; }
prometheus_says() { [[ $(ask_prometheus "$1") =~ \=\>\ $2\  ]]; }
has_value() { ask_prometheus "$1" | grep '=> [0-9]'; }
# Connections that each replica has now, in one line.
connections() {
  local ask='fetch("http://127.0.0.1:8889/workers").then(answer => answer.json()).then(workers =>
    console.log(workers.reduce((sum, { connections }) => sum + connections, 0)))'
  for replica in 1 2 3; do engine exec "echobahn-test_echo_$replica" node --eval "$ask"; done | xargs
}
# The annotation runbook_url of the alert $1, as Alertmanager has it.
runbook_url() {
  curl --silent --fail "http://127.0.0.1:$alertmanager_port/api/v2/alerts" |
    node --eval 'const alerts = JSON.parse(require("fs").readFileSync(0, "utf8"))
      const { annotations } = alerts.find(({ labels }) => labels.alertname === process.argv[1])
      console.log(annotations.runbook_url)' "$1"
}
# stand_in IMAGE [INSTRUCTION]: the tree with all programs as that image.
stand_in() {
  printf 'FROM localhost/stand-in\n%s\n' "$2" |
    buildah build --isolation=chroot --pull=never --format docker --quiet --tag "$1" --file - "$work/context" >/dev/null
}

echo '# stand-ins'
debian "$release" "$work/others" haproxy,prometheus,prometheus-alertmanager,prometheus-node-exporter,busybox
ln -s busybox "$work/others/bin/wget"
# The folders that the real images give to their user; and an empty one to mount the configuration at.
install -d -o 65534 -g 65534 "$work/others/prometheus" "$work/others/alertmanager"
rm -r "$work/others/etc/prometheus"
import "$work/others" localhost/stand-in
rm -r "$work/others"
mkdir "$work/context"
cp "$k6" "$work/context/k6"
stand_in "docker.io/$(image_of prom/prometheus)" 'ENTRYPOINT ["prometheus"]'
stand_in "docker.io/$(image_of prom/alertmanager)" 'ENTRYPOINT ["prometheus-alertmanager"]'
stand_in "docker.io/$(image_of prom/node-exporter)" 'ENTRYPOINT ["prometheus-node-exporter"]'
stand_in "docker.io/library/$(image_of haproxy)" 'STOPSIGNAL SIGUSR1'
stand_in "docker.io/$(image_of grafana/k6)" $'COPY k6 /usr/bin/k6\nENTRYPOINT ["k6"]'
engine tag echobahn:test "localhost/$(image_of echobahn)"

read -r proxy_port prometheus_port alertmanager_port < <(node test/container/free-ports.mjs 3)
mkdir -p "$work"/drop-in/{rules,scrape,dashboards}
cat >"$work/drop-in/rules/own.yml" <<END
groups:
  - name: own
    rules: [{ alert: Own, expr: vector(1), annotations: { runbook_url: 'http://127.0.0.1/own' } }]
END
# What this machine allows may be less than what a Docker host allows.
cat >"$work/compose.yml" <<END
services:
  echo: { ulimits: &small { nofile: { soft: 4096, hard: 4096 }, nproc: 1024 }, command: [--max-connections, '1000'] }
  prometheus: { ulimits: *small }
  alertmanager: { ulimits: *small }
  node-exporter: { ulimits: *small }
  k6: { ulimits: *small }
  proxy: { ulimits: *small, command: [haproxy, -W, -db, -n, '1000', -f, /usr/local/etc/haproxy/haproxy.cfg] }
END

echo '# docker-compose.yml, Prometheus without the service'
# Conditions of depends_on wait for healthchecks, which need systemd's timers: they are run by hand instead.
check 'up' started prometheus
eventually 'healthcheck of prometheus' healthy prometheus
check 'Prometheus answers at its port' curl --silent --fail "http://127.0.0.1:$prometheus_port/-/ready"

echo '# docker-compose.yml, scaled'
check 'up' started --scale echo=3 echo proxy alertmanager node-exporter
for service in echo proxy alertmanager node-exporter; do eventually "healthcheck of $service" healthy "$service"; done
eventually 'Prometheus finds three replicas' prometheus_says 'count(up{job="echobahn"} == 1)' 3
same 'it finds each once' 3 "$(ask_prometheus 'up{job="echobahn"}' | grep -c '=>')"
cat >"$work/drop-in/scrape/own.yml" <<END
scrape_configs:
  - job_name: own
    static_configs: [{ targets: ['127.0.0.1:9090'] }]
END
engine kill --signal HUP echobahn-test_prometheus_1 >/dev/null
eventually 'after HUP it scrapes what a file in drop-in/scrape names' prometheus_says 'up{job="own"}' 1
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

echo '# is it the machine?'
mapfile -t queries < <(sed -n 's/^\(.*node_[^#]*[^# ]\) *#.*/\1/p' docs/runbook.md)
check 'the runbook has queries for the node exporter' test "${#queries[@]}" -gt 5
for query in "${queries[@]}"; do eventually "$query" has_value "$query"; done

echo '# alerts'
check 'a worker is killed' engine exec echobahn-test_echo_3 node --eval \
  'fetch("http://127.0.0.1:8889/workers").then(answer => answer.json()).then(([{ pid }]) => process.kill(pid, "SIGKILL"))'
eventually 'Alertmanager has the alert of a file in drop-in/rules' runbook_url Own
eventually 'it has the alert of the worker' runbook_url EchobahnWorkerRestarting
link=$(runbook_url EchobahnWorkerRestarting)
same 'its link' "http://127.0.0.1:$prometheus_port/consoles/runbook.html#echobahnworkerrestarting" "$link"
check 'which leads to its section' sh -c 'curl --silent --fail "$1" | grep "id=\"${1#*#}\""' - "$link"
