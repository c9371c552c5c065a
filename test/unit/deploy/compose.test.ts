// The compose file keeps its promises: nothing runs as root or may write, everything is bounded, checked and pinned.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
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
  readonly cpus: number
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

const COMPOSE: Compose = parseYaml(read('docker-compose.yml'), { merge: true })
const SERVICES = Object.entries(COMPOSE.services)
const { echo, prometheus, grafana, proxy, k6, autobahn } = COMPOSE.services
/** Those that run until they are stopped; the others end when their work is done. */
const LONG_RUNNING = { echo, prometheus, grafana, proxy }
const DOCKERFILE = read('Dockerfile')
const { version }: { version: string } = JSON.parse(read('package.json'))

/** The settings that the service has in its container: the image's variables and those of the compose file. */
function settingsInContainer(): Settings {
  const [, image] = DOCKERFILE.match(/(ECHOBAHN_HOST=\S+)/) ?? []
  const command = parse([], { ...Object.fromEntries([image.split('=')]), ...echo.environment })
  assert.ok(command.action === 'run')
  return command.settings
}

function networksOf({ networks }: Service): readonly string[] {
  return Array.isArray(networks) ? networks : Object.keys(networks)
}

function assertFilesExist(volumes: readonly string[]): void {
  for (const volume of volumes) {
    const [source, , mode] = volume.split(':')
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
    assert.ok(service.cpus > 0 && service.pids_limit > 0)
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
  test(`${name} runs without root, comes back, is checked, and has time to stop`, () => {
    assert.match(service.user, /^[1-9]\d*:\d+$/)
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

test('only the suite runs as root, and may no more than write reports', () => {
  const rooted = SERVICES.filter(([, { user }]) => user.startsWith('0:')).map(([name]) => name)
  assert.deepEqual(rooted, ['autobahn'])
  assert.deepEqual(autobahn.cap_add, ['DAC_OVERRIDE'])
})

test('without a profile there are the service, Prometheus and Grafana', () => {
  const names = SERVICES.filter(([, { profiles }]) => profiles === undefined).map(([name]) => name)
  assert.deepEqual(names, ['echo', 'prometheus', 'grafana'])
  assert.deepEqual([autobahn.profiles, k6.profiles, proxy.profiles], [['autobahn'], ['load'], ['scale']])
})

test('the internal network leads nowhere else', () => {
  assert.equal(COMPOSE.networks.internal.internal, true)
  assert.deepEqual([prometheus.networks, k6.networks, autobahn.networks], [['internal'], ['internal'], ['internal']])
})

test('the variables of the service are its own, and its limits fit the container', () => {
  const settings = settingsInContainer()
  assert.deepEqual([settings.host, settings.adminHost], ['0.0.0.0', '0.0.0.0'])
  assert.deepEqual([settings.port, settings.adminPort], [8888, 8889])
  // As the service itself counts at its start (src/primary/open-files).
  assert.ok(echo.ulimits.nofile.soft >= settings.maxConnections + 256)
  assert.ok((parseDuration(echo.stop_grace_period as string) as number) > settings.drainDelay + settings.drainTimeout)
})

test('several replicas can publish their port: it may be left to the engine', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Compose's own syntax; `-` and not `:-`, so that empty stays empty.
  assert.deepEqual(echo.ports, ['127.0.0.1:${ECHO_PORT-8888}:8888'])
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
  const { scrape_configs: jobs } = parseYaml(read('prometheus/prometheus.yml'))
  const [{ names, type, port }] = jobs.find((job: { job_name: string }) => job.job_name === 'echobahn').dns_sd_configs
  assert.deepEqual([names, type, port], [['echo'], 'A', settingsInContainer().adminPort])
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
})

test('the suite runs every case against the service', () => {
  const specification = JSON.parse(read('deploy/autobahn/fuzzingclient.json'))
  assert.deepEqual(specification.cases, ['*'])
  assert.deepEqual(specification['exclude-cases'], [])
  assert.deepEqual(specification.servers, [{ agent: 'echobahn', url: `ws://echo:${settingsInContainer().port}` }])
  assert.ok(autobahn.volumes?.some(volume => volume.endsWith(`:${specification.outdir}`)))
})
