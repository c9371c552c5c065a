// The manifests in deploy/kubernetes fit each other, the options of the service, and what they are generated from.

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { test } from 'node:test'
import { parseAllDocuments, parse as parseYaml } from 'yaml'
import { renderManifests } from '../../../grafana/src/kubernetes.js'
import { renderDashboards } from '../../../grafana/src/render.js'
import { parseLoad } from '../../../src/cli/load-parse.js'
import { parse } from '../../../src/cli/parse.js'
import { PREFIX, PRIMARY_METRICS } from '../../../src/metrics/catalogue.js'
import type { Settings } from '../../../src/settings.js'
import { ROOT } from '../../support/root.js'

type Labels = Readonly<Record<string, string>>
interface Selector {
  readonly matchLabels: Labels
}

const FOLDER = 'deploy/kubernetes'
/** Read by Helm, not by kustomize. */
const ADAPTER_VALUES = 'prometheus-adapter-values.yaml'
const KUSTOMIZATIONS = readdirSync(join(ROOT, FOLDER), { recursive: true, encoding: 'utf8' })
  .filter(file => basename(file) === 'kustomization.yaml')
  .map(file => dirname(file))

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

// biome-ignore lint/suspicious/noExplicitAny: Kubernetes' own schemas are looked at by test/kubernetes/run.
type Manifest = any

function manifest(path: string): Manifest {
  const { kind } = parseYaml(read(join(FOLDER, path)))
  assert.equal(typeof kind, 'string', path)
  return parseYaml(read(join(FOLDER, path)))
}

const deployment = manifest('base/deployment.yaml')
const service = manifest('base/service.yaml')
const adminService = manifest('base/admin-service.yaml')
const budget = manifest('base/pod-disruption-budget.yaml')
const policy = manifest('base/network-policy.yaml')
const podMonitor = manifest('monitoring/pod-monitor.yaml')
const autoscaler = manifest('monitoring/horizontal-pod-autoscaler.yaml')
const job = manifest('load/job.yaml')
const pod = deployment.spec.template
const [container] = pod.spec.containers
const [loader] = job.spec.template.spec.containers
const compose = parseYaml(read('docker-compose.yml'), { merge: true }).services.echo
const { version }: { version: string } = JSON.parse(read('package.json'))

/** The settings that the service has in its pod: the image's variable and those of the manifest. */
function settingsInPod(more: readonly { name: string; value: string }[] = []): Settings {
  const [, host] = read('Dockerfile').match(/ECHOBAHN_HOST=(\S+)/) ?? []
  const directory = mkdtempSync(join(tmpdir(), 'echobahn-kubernetes-'))
  const token = join(directory, 'token')
  writeFileSync(token, 'secret\n')
  const given = [...container.env, ...more].filter(({ value }) => value !== undefined)
  const environment = Object.fromEntries(
    given.map(({ name, value }) => [name, value.replaceAll('$(POD_NAMESPACE)', 'ns')]),
  )
  try {
    const command = parse([], { ECHOBAHN_HOST: host, ...environment, ECHOBAHN_ADMIN_TOKEN_FILE: token })
    assert.ok(command.action === 'run')
    return command.settings
  } finally {
    rmSync(directory, { recursive: true })
  }
}

function variable(name: string): Manifest {
  const found = container.env.find((each: { name: string }) => each.name === name)
  assert.ok(found, name)
  return found
}

function selects(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value)
}

function portOf(name: string): number | undefined {
  return container.ports.find((port: { name: string }) => port.name === name)?.containerPort
}

test('rules and dashboards are those of prometheus/rules and grafana/dashboards: npm run dashboards', () => {
  for (const [file, text] of renderManifests(ROOT, renderDashboards()))
    assert.equal(read(join(FOLDER, 'monitoring', file)), text, file)
})

test('what is generated holds every rule, and every dashboard as Grafana reads it', () => {
  const { spec } = manifest('monitoring/prometheus-rule.yaml')
  const rules = ['alerts', 'recording'].flatMap(file => parseYaml(read(`prometheus/rules/${file}.yml`)).groups)
  assert.deepEqual(spec.groups, rules)
  const maps = parseAllDocuments(read(`${FOLDER}/monitoring/dashboards.yaml`)).map(document => document.toJS())
  const dashboards = maps.flatMap(({ data }) => Object.entries<string>(data))
  const folder = 'grafana/dashboards/echobahn'
  assert.deepEqual(dashboards.map(([file]) => file).sort(), readdirSync(join(ROOT, folder)).sort())
  for (const [file, json] of dashboards) assert.deepEqual(JSON.parse(json), JSON.parse(read(join(folder, file))))
  for (const { metadata } of maps) assert.equal(metadata.labels.grafana_dashboard, '1')
})

for (const folder of KUSTOMIZATIONS)
  test(`the kustomization of ${folder} names every file beside it, and nothing that is not there`, () => {
    const { resources = [], components = [] } = manifest(join(folder, 'kustomization.yaml'))
    const files = readdirSync(join(ROOT, FOLDER, folder)).filter(file => file.endsWith('.yaml'))
    const named: string[] = resources.filter((name: string) => name.endsWith('.yaml'))
    assert.deepEqual(
      named.sort(),
      files.filter(file => file !== 'kustomization.yaml' && file !== ADAPTER_VALUES),
    )
    for (const other of [...resources, ...components].filter((name: string) => !name.endsWith('.yaml')))
      assert.ok(existsSync(join(ROOT, FOLDER, folder, other, 'kustomization.yaml')), other)
  })

test('every selector finds the pods of the service, and none those of the load', () => {
  const selectors: Labels[] = [
    deployment.spec.selector.matchLabels,
    service.spec.selector,
    adminService.spec.selector,
    budget.spec.selector.matchLabels,
    policy.spec.podSelector.matchLabels,
    podMonitor.spec.selector.matchLabels,
    ...pod.spec.topologySpreadConstraints.map(
      ({ labelSelector }: { labelSelector: Selector }) => labelSelector.matchLabels,
    ),
    ...job.spec.template.spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution.map(
      ({ podAffinityTerm }: { podAffinityTerm: { labelSelector: Selector } }) =>
        podAffinityTerm.labelSelector.matchLabels,
    ),
  ]
  for (const selector of selectors) {
    assert.ok(Object.keys(selector).length > 0)
    assert.ok(selects(selector, pod.metadata.labels))
    assert.ok(!selects(selector, job.spec.template.metadata.labels))
  }
  const [spread] = job.spec.template.spec.topologySpreadConstraints
  assert.ok(selects(spread.labelSelector.matchLabels, job.spec.template.metadata.labels))
})

test('ports are those that the service listens on, by their names', () => {
  const { port, adminPort } = settingsInPod()
  assert.deepEqual([portOf('websocket'), portOf('admin')], [port, adminPort])
  for (const [{ spec }, name] of [
    [service, 'websocket'],
    [adminService, 'admin'],
  ]) {
    assert.equal(spec.ports[0].targetPort, name)
    assert.equal(spec.ports[0].port, portOf(name))
  }
  for (const probe of [container.readinessProbe, container.livenessProbe]) assert.equal(probe.httpGet.port, 'admin')
  assert.equal(podMonitor.spec.podMetricsEndpoints[0].port, 'admin')
  const open = policy.spec.ingress.flatMap(({ ports }: { ports: { port: string }[] }) => ports.map(({ port }) => port))
  assert.deepEqual(open, ['websocket', 'admin'])
  const [anybody, prometheus] = policy.spec.ingress
  assert.equal(anybody.from, undefined)
  assert.equal(prometheus.from.length, 1)
})

test('every variable is an option, and the admin server answers to the names of its Service', () => {
  const { adminAllowedHost, adminHost, host } = settingsInPod()
  const { name } = adminService.metadata
  assert.deepEqual(adminAllowedHost, [name, `${name}.ns`, `${name}.ns.svc`])
  assert.deepEqual([host, adminHost], ['0.0.0.0', '0.0.0.0'])
  assert.equal(pod.spec.enableServiceLinks, false)
  assert.equal(adminService.spec.clusterIP, 'None')
})

test('the client is told pod and namespace: the variables that src/controls/host.ts reads', () => {
  const names = container.env.map(({ name }: { name: string }) => name)
  // $(POD_NAMESPACE) is only known to variables behind it.
  assert.ok(names.indexOf('POD_NAMESPACE') < names.indexOf('ECHOBAHN_ADMIN_ALLOWED_HOST'))
  assert.equal(variable('POD_NAME').valueFrom.fieldRef.fieldPath, 'metadata.name')
  assert.equal(variable('POD_NAMESPACE').valueFrom.fieldRef.fieldPath, 'metadata.namespace')
})

test('the token is a file of one Secret, which the service, Prometheus and the page name', () => {
  const { secretName, defaultMode } = pod.spec.volumes[0].secret
  const { credentials } = podMonitor.spec.podMetricsEndpoints[0].authorization
  const [mount] = container.volumeMounts
  assert.equal(mount.name, pod.spec.volumes[0].name)
  assert.equal(variable('ECHOBAHN_ADMIN_TOKEN_FILE').value, `${mount.mountPath}/${credentials.key}`)
  assert.equal(credentials.name, secretName)
  // YAML 1.1, which Kubernetes reads, takes 0440 as octal; this parser takes YAML 1.2.
  assert.equal(defaultMode, 440)
  assert.ok(
    read('docs/kubernetes.md').includes(
      `kubectl create secret generic ${secretName} --from-literal=${credentials.key}=`,
    ),
  )
})

test('a pod has more time to stop than its drain takes, and a liveness probe does not end it before', () => {
  const { drainDelay, drainTimeout } = settingsInPod()
  const grace = 1000 * pod.spec.terminationGracePeriodSeconds
  assert.ok(grace > drainDelay + drainTimeout)
  const { periodSeconds, failureThreshold } = container.readinessProbe
  assert.ok(drainDelay > 1000 * periodSeconds * failureThreshold)
  assert.deepEqual([container.readinessProbe.httpGet.path, container.livenessProbe.httpGet.path], ['/readyz', '/livez'])
})

test('a rolling update takes no pod away before its successor is ready', () => {
  assert.deepEqual(deployment.spec.strategy.rollingUpdate, { maxSurge: '100%', maxUnavailable: 0 })
  assert.equal(budget.spec.maxUnavailable, 1)
})

test('the container may do no more than in the compose file', () => {
  const [user, group] = compose.user.split(':').map(Number)
  for (const [each, { spec }] of [
    [container, pod],
    [loader, job.spec.template],
  ]) {
    assert.deepEqual([compose.read_only, compose.cap_drop], [true, ['ALL']])
    assert.deepEqual(each.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    const { runAsNonRoot, runAsUser, runAsGroup, seccompProfile } = spec.securityContext
    assert.deepEqual([runAsNonRoot, runAsUser, runAsGroup, seccompProfile.type], [true, user, group, 'RuntimeDefault'])
    assert.equal(spec.automountServiceAccountToken, false)
  }
  assert.equal(pod.spec.securityContext.fsGroup, group)
})

test('a worker for each CPU, and memory for the budget beside 256 MiB of processes and 11 KiB for each connection', () => {
  const { workers, maxConnections } = settingsInPod()
  const { requests, limits } = container.resources
  assert.equal(workers, Number(limits.cpu))
  assert.equal(requests.memory, limits.memory)
  const memory = Number(limits.memory.match(/^(\d+)Mi$/)[1])
  // The default of --memory-budget is half of it.
  assert.ok(memory / 2 + 256 + (11 * autoscaler.spec.metrics[0].pods.target.averageValue) / 1024 < memory)
  assert.ok(maxConnections >= 2 * autoscaler.spec.metrics[0].pods.target.averageValue)
})

test('images are named by the kustomizations alone, as this version', () => {
  for (const [folder, { image }] of [
    ['base', container],
    ['load', loader],
  ]) {
    const { images } = manifest(`${folder}/kustomization.yaml`)
    assert.deepEqual(images, [{ name: image, newName: 'registry.example.com/echobahn', newTag: version }])
  }
})

test('the autoscaler asks for the metric that prometheus-adapter makes of one of ours', () => {
  const [{ pods }] = autoscaler.spec.metrics
  const [rule] = parseYaml(read(join(FOLDER, 'monitoring', ADAPTER_VALUES))).rules.custom
  assert.equal(pods.metric.name, rule.name.as)
  const [series] = rule.seriesQuery.split('{')
  assert.equal(series, `${PREFIX}connections`)
  assert.equal(PRIMARY_METRICS.connections.type, 'gauge')
  // These labels are what prometheus-operator puts on what a PodMonitor finds.
  assert.deepEqual(rule.resources.overrides, { namespace: { resource: 'namespace' }, pod: { resource: 'pod' } })
  const { kind, name } = autoscaler.spec.scaleTargetRef
  assert.deepEqual([kind, name], [deployment.kind, deployment.metadata.name])
  assert.equal(autoscaler.spec.minReplicas, deployment.spec.replicas)
})

test('the next pod goes only when the one before has drained and its clients were counted elsewhere', () => {
  const { stabilizationWindowSeconds, policies } = autoscaler.spec.behavior.scaleDown
  assert.equal(policies.length, 1)
  assert.deepEqual([policies[0].type, policies[0].value], ['Pods', 1])
  assert.ok(policies[0].periodSeconds >= 2 * pod.spec.terminationGracePeriodSeconds)
  assert.ok(stabilizationWindowSeconds > policies[0].periodSeconds)
})

test('with the autoscaler the manifest does not say how many pods there are', () => {
  const { patches } = manifest('monitoring/kustomization.yaml')
  assert.deepEqual(patches[0].target, { kind: deployment.kind, name: deployment.metadata.name })
  assert.deepEqual(parseYaml(patches[0].patch), [{ op: 'remove', path: '/spec/replicas' }])
})

test('Prometheus scrapes as often as rules and dashboards were tried with, under the job that they name', () => {
  const { global } = parseYaml(read('prometheus/prometheus.yml'))
  const [endpoint] = podMonitor.spec.podMetricsEndpoints
  assert.deepEqual([endpoint.interval, endpoint.scrapeTimeout], [global.scrape_interval, global.scrape_timeout])
  assert.equal(pod.metadata.labels[podMonitor.spec.jobLabel], 'echobahn')
  assert.equal(endpoint.relabelings[0].targetLabel, 'instance')
})

test('ingresses lead to the Service, and wait for longer than a peer may be silent', () => {
  const backends = [
    manifest('examples/nginx/ingress.yaml').spec.rules[0].http.paths[0].backend.service,
    manifest('examples/traefik/ingress-route.yaml').spec.routes[0].services[0],
    manifest('examples/gateway/http-route.yaml').spec.rules[0].backendRefs[0],
  ]
  const [{ name, port }] = service.spec.ports
  for (const backend of backends) {
    assert.equal(backend.name, service.metadata.name)
    assert.ok([name, port].includes(backend.port.name ?? backend.port))
  }
  const { pingInterval, pingTimeout } = settingsInPod()
  const { annotations } = manifest('examples/nginx/ingress.yaml').metadata
  for (const way of ['read', 'send'])
    assert.ok(
      1000 * annotations[`nginx.ingress.kubernetes.io/proxy-${way}-timeout`] > pingInterval + (pingTimeout ?? 0),
    )
  const traefik = manifest('examples/traefik/ingress-route.yaml').spec.routes[0]
  assert.equal(traefik.middlewares[0].name, manifest('examples/traefik/retry.yaml').metadata.name)
  assert.equal(traefik.services[0].serversTransport, manifest('examples/traefik/servers-transport.yaml').metadata.name)
  const [parent] = manifest('examples/gateway/http-route.yaml').spec.parentRefs
  const gateway = manifest('examples/gateway/gateway.yaml')
  assert.deepEqual([parent.name, parent.sectionName], [gateway.metadata.name, gateway.spec.listeners[0].name])
})

test('behind an ingress the service believes its pods: both variables are options that fit', () => {
  const { patches } = manifest('examples/client-addresses/kustomization.yaml')
  const operations: { op: string; path: string; value: { name: string; value: string } }[] = parseYaml(patches[0].patch)
  for (const { op, path } of operations) assert.deepEqual([op, path], ['add', '/spec/template/spec/containers/0/env/-'])
  const { forwardedHeader, trustedProxies } = settingsInPod(operations.map(({ value }) => value))
  assert.deepEqual([forwardedHeader, trustedProxies.length], ['x-forwarded-for', 1])
})

test('the load is one that `echobahn load` takes, on the Service, with its results in the log', () => {
  const command = parseLoad([...loader.args, '--json', '-'])
  assert.ok(command.action === 'load')
  assert.deepEqual(command.settings.urls, [`ws://${service.metadata.name}:${service.spec.ports[0].port}/`])
  assert.equal(command.settings.json, '-')
  assert.equal(loader.command.at(-2), 'exec echobahn load "$@" --json - 2>&1')
  assert.equal(command.settings.threads, Number(loader.resources.requests.cpu))
  assert.deepEqual([job.spec.completionMode, job.spec.completions], ['Indexed', job.spec.parallelism])
  assert.match(read(`${FOLDER}/load/merge`), new RegExp(`get job ${job.metadata.name} `))
})
