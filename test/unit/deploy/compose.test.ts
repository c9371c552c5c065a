// The compose file keeps its promises: nothing runs as root or may write, everything is bounded, checked and pinned, no port or
// core is taken for granted, and what is broken does not hide itself.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, posix } from 'node:path'
import { test } from 'node:test'
import { parse as parseYaml } from 'yaml'
import { parse } from '../../../src/cli/parse.js'
import type { Settings } from '../../../src/settings.js'
import { parseDuration } from '../../../src/units.js'
import { SUITE_VERSION } from '../../autobahn/cases.js'

const ROOT = dirname(createRequire(import.meta.url).resolve('#package.json'))

interface Service {
  readonly image: string
  readonly build?: string
  readonly profiles?: readonly string[]
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly user: string
  readonly restart?: string
  readonly read_only: boolean
  readonly tmpfs: readonly string[]
  readonly cap_drop: readonly string[]
  readonly cap_add?: readonly string[]
  readonly security_opt: readonly string[]
  readonly mem_limit: string
  readonly cpus: number | string
  readonly pids_limit: number
  readonly ulimits: { readonly nofile: { readonly soft: number; readonly hard: number } }
  readonly stop_grace_period?: string
  readonly healthcheck?: { readonly test: readonly string[]; readonly timeout: string }
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly networks: readonly string[] | Readonly<Record<string, { readonly aliases?: readonly string[] }>>
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>
  readonly volumes: Readonly<Record<string, unknown>>
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

const COMPOSE_TEXT = read('docker-compose.yml')

/** `${NAME:-default}`, where empty is the default too, and `${NAME-default}`. */
const VARIABLES = [...COMPOSE_TEXT.matchAll(/\$\{(\w+)(:?-)([^}]*)\}/g)].map(([text, name, operator, fallback]) => ({
  text,
  name,
  valueIn: (environment: Readonly<Record<string, string>>) =>
    (operator === ':-' ? environment[name] || undefined : environment[name]) ?? fallback,
  fallback,
}))

/** The compose file as the engine gets it, with these variables set. */
function composeWith(environment: Readonly<Record<string, string>>): Compose {
  const text = VARIABLES.reduce(
    (text, variable) => text.replace(variable.text, variable.valueIn(environment)),
    COMPOSE_TEXT,
  )
  return parseYaml(text, { merge: true })
}

const COMPOSE = composeWith({})
const SERVICES = Object.entries(COMPOSE.services)
const { echo, prometheus, grafana, alertmanager, cadvisor, proxy, k6, autobahn } = COMPOSE.services
const NODE_EXPORTER = COMPOSE.services['node-exporter']
/** Those that run until they are stopped; the others end when their work is done. */
const LONG_RUNNING = { echo, prometheus, grafana, alertmanager, 'node-exporter': NODE_EXPORTER, cadvisor, proxy }
const PROMETHEUS_CONFIG = parseYaml(read('prometheus/prometheus.yml'))
const DOCKERFILE = read('Dockerfile')
const { version }: { version: string } = JSON.parse(read('package.json'))

/** The settings that the service has in its container: the image's variables and those of the compose file. */
function settingsInContainer(): Settings {
  const [, image] = DOCKERFILE.match(/(ECHOBAHN_HOST=\S+)/) ?? []
  const command = parse([], { ...Object.fromEntries([image.split('=')]), ...echo.environment })
  assert.ok(command.action === 'run')
  return command.settings
}

function octets(limit: string): number {
  return Number.parseInt(limit, 10) * 1024 ** (limit.endsWith('g') ? 3 : 2)
}

function networksOf({ networks }: Service): readonly string[] {
  return Array.isArray(networks) ? networks : Object.keys(networks)
}

function assertFilesExist(volumes: readonly string[]): void {
  for (const volume of volumes) {
    const [source, , mode] = volume.split(':')
    if (source.startsWith('/sys/')) continue
    if (!source.startsWith('./')) assert.ok(source in COMPOSE.volumes, volume)
    else if (mode === 'ro') assert.ok(existsSync(join(ROOT, source)), volume)
  }
}

for (const [name, service] of SERVICES) {
  test(`${name} can do no more than it needs`, () => {
    assert.equal(service.read_only, true)
    assert.ok(service.tmpfs.includes('/tmp'))
    assert.deepEqual(service.cap_drop, ['ALL'])
    assert.deepEqual(service.security_opt, ['no-new-privileges:true'])
    assert.match(service.mem_limit, /^\d+[mg]$/)
    // The engine refuses to start what asks for more cores than the machine has.
    assert.ok(Number(service.cpus) > 0 && Number(service.cpus) <= 1)
    assert.ok(service.pids_limit > 0)
    const { soft, hard } = service.ulimits.nofile
    assert.ok(soft > 1024 && soft === hard)
  })

  test(`${name} is pinned to one version`, () => {
    assert.match(service.image, /:v?\d+\.\d+\.\d+(-[a-z]+)?$/)
  })

  test(`${name} is reached from this machine alone`, () => {
    assert.ok(networksOf(service).includes('internal'))
    assert.equal(networksOf(service).includes('edge'), service.ports !== undefined)
    for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:/)
  })

  test(`${name} waits for what it needs to be healthy, and its files are there`, () => {
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      assert.equal(condition, 'service_healthy')
      assert.ok(COMPOSE.services[other]?.healthcheck, other)
    }
    assertFilesExist(service.volumes ?? [])
  })
}

for (const [name, service] of Object.entries(LONG_RUNNING)) {
  test(`${name} comes back, is checked, and has time to stop`, () => {
    assert.equal(service.cap_add, undefined)
    assert.equal(service.restart, 'unless-stopped')
    assert.equal(service.healthcheck?.timeout, '5s')
    assert.ok((parseDuration(service.stop_grace_period as string) as number) >= 20_000)
  })
}

test('what ends by itself is not restarted and belongs to a profile', () => {
  for (const [name, service] of SERVICES) {
    if (name in LONG_RUNNING) continue
    assert.equal(service.restart, undefined, name)
    assert.equal(service.profiles?.length, 1, name)
  }
})

test('only the suite and cAdvisor run as root: the one may write reports, the other read cgroups', () => {
  const rooted = SERVICES.filter(([, { user }]) => !/^[1-9]\d*:\d+$/.test(user)).map(([name]) => name)
  assert.deepEqual(rooted, ['cadvisor', 'autobahn'])
  assert.deepEqual(cadvisor.volumes, ['/sys/fs/cgroup:/sys/fs/cgroup:ro'])
  assert.deepEqual(autobahn.cap_add, ['DAC_OVERRIDE'])
})

test('without a profile there are the service, Prometheus and Grafana', () => {
  const names = SERVICES.filter(([, { profiles }]) => profiles === undefined).map(([name]) => name)
  assert.deepEqual(names, ['echo', 'prometheus', 'grafana'])
  assert.deepEqual([autobahn.profiles, k6.profiles, proxy.profiles], [['autobahn'], ['load'], ['scale']])
  assert.deepEqual(
    [alertmanager, NODE_EXPORTER, cadvisor].map(({ profiles }) => profiles),
    [['alerts'], ['machine'], ['machine']],
  )
})

test('the internal network leads nowhere else', () => {
  assert.equal(COMPOSE.networks.internal.internal, true)
  for (const { networks } of [k6, autobahn, NODE_EXPORTER, cadvisor]) assert.deepEqual(networks, ['internal'])
})

test('the variables of the service are its own, and its limits fit the container', () => {
  const settings = settingsInContainer()
  assert.deepEqual([settings.host, settings.adminHost], ['0.0.0.0', '0.0.0.0'])
  assert.deepEqual([settings.port, settings.adminPort], [8888, 8889])
  // As the service itself counts at its start (src/primary/open-files).
  assert.ok(echo.ulimits.nofile.soft >= settings.maxConnections + 256)
  assert.ok((parseDuration(echo.stop_grace_period as string) as number) > settings.drainDelay + settings.drainTimeout)
})

test('several replicas can publish their ports: they may be left to the engine', () => {
  assert.deepEqual(echo.ports, ['127.0.0.1:8888:8888', '127.0.0.1:8889:8889'])
  assert.deepEqual(composeWith({ ECHO_PORT: '', ADMIN_PORT: '' }).services.echo.ports, [
    '127.0.0.1::8888',
    '127.0.0.1::8889',
  ])
})

test('every published port is a variable of its own, and what links to it follows', () => {
  const published = [...COMPOSE_TEXT.matchAll(/^ +- 127\.0\.0\.1:(.*):\d+$/gm)].map(([, port]) => port)
  assert.equal(published.length, SERVICES.flatMap(([, { ports = [] }]) => ports).length)
  assert.equal(new Set(published).size, published.length)
  for (const port of published) assert.match(port, /^\$\{[A-Z]+_PORT:?-\d+\}$/)
  const moved = composeWith({ GRAFANA_PORT: '1', PROMETHEUS_PORT: '2', ALERTMANAGER_PORT: '3' }).services
  assert.equal(moved.grafana.environment?.GF_SERVER_ROOT_URL, 'http://127.0.0.1:1/')
  assert.ok(moved.prometheus.command?.includes('--web.external-url=http://127.0.0.1:2/'))
  assert.ok(moved.alertmanager.command?.includes('--web.external-url=http://127.0.0.1:3/'))
})

test('every variable is in .env.example with its default, and on the page, and none is left over', () => {
  const defaults = new Map(VARIABLES.map(({ name, fallback }) => [name, fallback]))
  for (const { name, fallback } of VARIABLES) assert.equal(defaults.get(name), fallback, `${name} has one default`)
  const example = [...read('.env.example').matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value] as const)
  assert.deepEqual(new Map(example), new Map([...defaults].sort()))
  const rows = [...read('docs/containers.md').matchAll(/^\| `([A-Z0-9_]+)` \| (.*?) \|/gm)].map(
    ([, name, value]) => [name, value.replaceAll('`', '')] as const,
  )
  assert.deepEqual(new Map(rows), new Map([...defaults].map(([name, value]) => [name, value || 'none'])))
})

test('Grafana and Prometheus start and are healthy when the service is not', () => {
  assert.equal(prometheus.depends_on, undefined)
  assert.deepEqual(Object.keys(grafana.depends_on ?? {}), ['prometheus'])
  const check = prometheus.healthcheck?.test as string[]
  assert.deepEqual(check.slice(0, 4), ['CMD', 'promtool', 'check', 'ready'])
  assert.ok(!check.join(' ').includes('echobahn'))
})

test('no healthcheck but that of Grafana needs a shell in its image', () => {
  const shells = Object.entries(LONG_RUNNING).filter(([, { healthcheck }]) => healthcheck?.test[0] !== 'CMD')
  assert.deepEqual(
    shells.map(([name]) => name),
    ['grafana'],
  )
})

test('what is put into drop-in is mounted where Prometheus and Grafana look, in folders that are there', () => {
  for (const glob of [PROMETHEUS_CONFIG.rule_files[1], ...PROMETHEUS_CONFIG.scrape_config_files])
    assertDropIn(prometheus, posix.dirname(posix.resolve('/etc/prometheus', glob)))
  const [ours, theirs] = parseYaml(read('grafana/provisioning/dashboards/echobahn.yml')).providers
  assert.ok(grafana.volumes?.includes(`./grafana/dashboards:${ours.options.path}:ro`))
  assertDropIn(grafana, theirs.options.path)
  const elsewhere = composeWith({ DROP_IN: '/srv/mine' }).services
  assert.ok(elsewhere.prometheus.volumes?.includes('/srv/mine:/etc/drop-in:ro'))
  assert.ok(elsewhere.grafana.volumes?.includes('/srv/mine/dashboards:/var/lib/grafana/drop-in:ro'))
})

/** A folder of `drop-in`, kept in Git, is this folder in the container. */
function assertDropIn({ volumes = [] }: Service, folder: string): void {
  const mounts = volumes.map(volume => volume.split(':')).filter(([source]) => source.startsWith('./drop-in'))
  const sources = mounts
    .filter(([, target]) => folder === target || folder.startsWith(`${target}/`))
    .map(([source, target]) => source + folder.slice(target.length))
  assert.equal(sources.length, 1, folder)
  assert.ok(existsSync(join(ROOT, sources[0], '.gitkeep')), sources[0])
}

test('the runbook is served where alerts link to', () => {
  const { annotations } = parseYaml(read('prometheus/rules/alerts.yml')).groups[0].rules[0]
  const [, page] = /^\{\{ \$externalURL \}\}\/consoles\/([^#]+)#/.exec(annotations.runbook_url) ?? []
  assert.ok(prometheus.volumes?.includes('./prometheus:/etc/prometheus:ro'))
  assert.ok(prometheus.command?.includes('--web.console.templates=/etc/prometheus/consoles'))
  assert.ok(existsSync(join(ROOT, 'prometheus/consoles', page)))
})

test('Prometheus finds what the profiles add, each once, and without them finds nothing', () => {
  const { scrape_configs: jobs, alerting } = PROMETHEUS_CONFIG
  const discoveries = [...jobs.slice(1), ...alerting.alertmanagers].flatMap(({ dns_sd_configs }) => dns_sd_configs)
  assert.deepEqual(
    discoveries.map(({ names, type, port }) => [...names, type, port]),
    [
      ['node-exporter.', 'A', 9100],
      ['cadvisor.', 'A', 8080],
      ['alerts.', 'A', 9093],
    ],
  )
  assert.deepEqual(alertmanager.networks, { edge: {}, internal: { aliases: ['alerts'] } })
})

test('containers are known by the ids that the engine shows, with either cgroup driver', () => {
  const job = PROMETHEUS_CONFIG.scrape_configs.find(({ job_name }: { job_name: string }) => job_name === 'cgroup')
  const { regex } = job.metric_relabel_configs.find(
    ({ target_label }: { target_label?: string }) => target_label === 'container',
  )
  const id = '0123456789ab'.padEnd(64, 'c')
  const containerOf = (cgroup: string) => new RegExp(`^(?:${regex})$`).exec(cgroup)?.[1]
  for (const cgroup of [`/system.slice/docker-${id}.scope`, `/docker/${id}`, `/machine.slice/libpod-${id}.scope`])
    assert.equal(containerOf(cgroup), '0123456789ab', cgroup)
  for (const cgroup of ['/', '/system.slice/docker.service', `/system.slice/docker-${id}.scope/init`])
    assert.equal(containerOf(cgroup), undefined, cgroup)
})

test("Alertmanager's own configuration names the receivers that it has, and tells nobody", () => {
  const { route, receivers } = parseYaml(read('deploy/alertmanager/alertmanager.yml'))
  assert.deepEqual(receivers, [{ name: route.receiver }])
  const ours = new Set(
    parseYaml(read('prometheus/rules/alerts.yml')).groups.flatMap(({ rules }: { rules: { alert: string }[] }) =>
      rules.map(({ alert }) => alert),
    ),
  )
  assert.ok(ours.has('EchobahnTargetDown'))
  assert.match(read('deploy/alertmanager/alertmanager.yml'), /alertname = EchobahnTargetDown\b/)
})

test('the load ends with the exit code of k6, on the page too, and its dashboard is with the others', () => {
  assert.match(read('docs/containers.md'), /docker compose --profile load up --exit-code-from k6/)
  assert.ok(readdirSync(join(ROOT, 'grafana/dashboards/echobahn')).includes('k6-load.json'))
})

test('the healthcheck of image and compose file is the program itself', () => {
  assert.deepEqual(echo.healthcheck?.test, ['CMD', 'echobahn', 'healthcheck'])
  assert.match(DOCKERFILE, /^HEALTHCHECK .*--timeout=5s .* CMD \["echobahn", "healthcheck"\]$/m)
})

test('versions agree wherever they are named', () => {
  const page = read('docs/containers.md')
  assert.equal(echo.image, `echobahn:${version}`)
  assert.match(DOCKERFILE, new RegExp(`^ARG VERSION=${version}$`, 'm'))
  assert.equal(autobahn.image, `crossbario/autobahn-testsuite:${SUITE_VERSION}`)
  const node = DOCKERFILE.match(/^ARG NODE_IMAGE=docker\.io\/library\/(\S+)$/m)?.[1] as string
  assert.match(node, /^node:\d+\.\d+\.\d+-[a-z]+-slim$/)
  for (const image of [node, ...SERVICES.map(([, service]) => service.image)])
    assert.ok(page.includes(`\`${image}\``), image)
})

test('the image is built from an allow-list, runs without root and stops by SIGTERM', () => {
  assert.equal(
    read('.dockerignore')
      .split('\n')
      .find(line => !line.startsWith('#')),
    '*',
  )
  for (const line of ['USER 1000:1000', 'STOPSIGNAL SIGTERM', 'ENTRYPOINT ["echobahn"]'])
    assert.ok(DOCKERFILE.split('\n').includes(line), line)
  assert.match(DOCKERFILE, /npm ci --omit=dev/)
})

test('Grafana shows live data with no click, and calls nobody', () => {
  const environment = grafana.environment ?? {}
  assert.equal(environment.GF_AUTH_ANONYMOUS_ENABLED, 'true')
  assert.equal(environment.GF_AUTH_ANONYMOUS_ORG_ROLE, 'Viewer')
  const home = environment.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH
  const dashboards = '/var/lib/grafana/dashboards'
  assert.ok(grafana.volumes?.includes(`./grafana/dashboards:${dashboards}:ro`))
  assert.ok(existsSync(join(ROOT, 'grafana/dashboards', home.slice(dashboards.length))), home)
  for (const variable of ['REPORTING_ENABLED', 'CHECK_FOR_UPDATES', 'CHECK_FOR_PLUGIN_UPDATES'])
    assert.equal(environment[`GF_ANALYTICS_${variable}`], 'false')
})

test('Prometheus finds every replica, and takes what k6 writes', () => {
  const { scrape_configs: jobs } = PROMETHEUS_CONFIG
  const [{ names, type, port }] = jobs.find((job: { job_name: string }) => job.job_name === 'echobahn').dns_sd_configs
  // Not `echo`: in two networks that could be two addresses.
  assert.deepEqual([names, type, port], [['replicas.'], 'A', settingsInContainer().adminPort])
  assert.ok(prometheus.command?.includes('--web.enable-remote-write-receiver'))
  assert.equal(k6.environment?.K6_PROMETHEUS_RW_SERVER_URL, 'http://prometheus:9090/api/v1/write')
})

test('the proxy takes the least busy replica that is ready, and leaves tunnels alone for long', () => {
  const config = read('deploy/haproxy/haproxy.cfg')
  const { port, adminPort, pingInterval } = settingsInContainer()
  assert.match(config, /^ {2}balance leastconn$/m)
  assert.deepEqual(echo.networks, { edge: {}, internal: { aliases: ['replicas'] } })
  assert.match(config, new RegExp(`^ {2}server-template echo- \\d+ replicas:${port}$`, 'm'))
  assert.match(config, new RegExp(`^ {2}default-server check port ${adminPort} .*resolvers engine`, 'm'))
  assert.match(config, /^ {2}option httpchk GET \/readyz$/m)
  // Without it a connection fails that comes between a replica's end and its next check.
  assert.match(config, /^ {2}option redispatch 1$/m)
  const hours = Number(config.match(/^ {2}timeout tunnel (\d+)h$/m)?.[1])
  assert.ok(hours * 3_600_000 > 10 * pingInterval)
  const hardStop = Number(config.match(/^ {2}hard-stop-after (\d+)s$/m)?.[1])
  assert.ok(hardStop * 1000 < (parseDuration(proxy.stop_grace_period as string) as number))
  const maxconn = Number(config.match(/^ {2}maxconn (\d+)$/m)?.[1])
  assert.ok(proxy.ulimits.nofile.soft > 2 * maxconn)
  const [, worst] = config.match(/each takes (\d+) KiB/) ?? []
  // Two buffers of 16 KiB (tune.bufsize), and what belongs to them. A quarter is left for itself and the kernel.
  assert.ok(Number(worst) > 32)
  assert.ok(octets(proxy.mem_limit) * 0.75 > maxconn * Number(worst) * 1024)
})

test('the suite runs every case against the service', () => {
  const specification = JSON.parse(read('deploy/autobahn/fuzzingclient.json'))
  assert.deepEqual(specification.cases, ['*'])
  assert.deepEqual(specification['exclude-cases'], [])
  assert.deepEqual(specification.servers, [{ agent: 'echobahn', url: `ws://echo:${settingsInContainer().port}` }])
  assert.ok(autobahn.volumes?.some(volume => volume.endsWith(`:${specification.outdir}`)))
})
