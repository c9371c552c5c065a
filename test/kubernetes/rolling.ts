// A rolling update as the Deployment makes it, without a cluster: three old processes of the real service, with the drain of
// the manifest, give way to three new ones behind HAProxy while `echobahn load` sends. All successors come first, as the
// Deployment has it, or each in turn; new connections go at random, as kube-proxy sends them, or to who has least.
//
// No connect may fail, and every connection that an old process had must end with Close 1001.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { freePort } from '../support/free-port.js'
import type { LoadFile } from '../support/load-command.js'
import { ROOT } from '../support/root.js'
import { Service } from '../support/service.js'
import { endWithUs } from '../support/watchdog.js'
import { Balancer, type Place } from './balancer.js'

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))
const PODS = 3
const CONNECTIONS = 600
const RATE = 3000
/** Milliseconds for the load to be steady before, and for the last clients to be back behind. */
const STEADY = 3000
const WAYS = {
  'all at once': PODS,
  'one at a time': 1,
} as const
const ALGORITHMS = { random: 'random(1)', least: 'leastconn' } as const
const COLUMNS = [
  ...[
    'successors',
    'balanced',
    'connects tried',
    'failed',
    'old connections',
    'ended by 1001',
    'other ends',
    'retried',
  ],
  ...['most at one process', 'messages sent', 'lost', 'seconds'],
]

interface Pod {
  readonly place: Place
  readonly service: Service
}

const { spec } = parse(readFileSync(join(ROOT, 'deploy/kubernetes/base/deployment.yaml'), 'utf8')).spec.template
/** What of the pod's environment is about its end. */
const DRAIN: Record<string, string> = Object.fromEntries(
  spec.containers[0].env
    .filter(({ name }: { name: string }) => name.startsWith('ECHOBAHN_DRAIN_'))
    .map(({ name, value }: { name: string; value: string }) => [name, value]),
)

async function placesOf(generation: string): Promise<Place[]> {
  const places: Place[] = []
  for (let i = 1; i <= PODS; i++)
    places.push({ name: `${generation}-${i}`, port: await freePort(), adminPort: await freePort() })
  return places
}

async function startPod(place: Place): Promise<Pod> {
  const { port, adminPort } = place
  const options = ['--workers', '1', '--port', String(port), '--admin-port', String(adminPort)]
  return { place, service: await new Service(options, DRAIN).listening() }
}

/** SIGTERM, and what a pod gets that does not heed it in time. */
async function endPod({ service, place }: Pod): Promise<void> {
  service.signal('SIGTERM')
  const grace = new AbortController()
  const late = setTimeout(1000 * spec.terminationGracePeriodSeconds, true, { signal: grace.signal }).catch(() => false)
  const killed = await Promise.race([late, service.exited.then(() => false)])
  grace.abort()
  if (killed) throw new Error(`${place.name} has not ended within its grace`)
}

/** @returns what ends it and gives its results */
function startLoad(port: number, file: string): () => Promise<LoadFile> {
  const load = ['--connections', String(CONNECTIONS), '--rate', String(RATE), '--size', '256', '--duration', '10m']
  const args = [MAIN, 'load', `ws://127.0.0.1:${port}`, ...load, '--json', file]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  endWithUs(child)
  return async () => {
    child.kill('SIGINT')
    await once(child, 'exit')
    return JSON.parse(readFileSync(file, 'utf8'))
  }
}

/** Each step starts as many successors as `surge`, waits until they are ready, and ends as many old ones. */
async function update(
  old: readonly Pod[],
  places: readonly Place[],
  surge: number,
  balancer: Balancer,
): Promise<Pod[]> {
  const successors: Pod[] = []
  for (let done = 0; done < old.length; done += surge) {
    const next = places.slice(done, done + surge)
    successors.push(...(await Promise.all(next.map(startPod))))
    await balancer.finds('ready', next)
    await Promise.all(old.slice(done, done + surge).map(endPod))
  }
  return successors
}

async function tryOut(way: keyof typeof WAYS, balanced: keyof typeof ALGORITHMS): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'echobahn-rolling-'))
  const [oldPlaces, newPlaces] = [await placesOf('old'), await placesOf('new')]
  const pods = await Promise.all(oldPlaces.map(startPod))
  const balancer = await Balancer.start(ALGORITHMS[balanced], [...oldPlaces, ...newPlaces])
  try {
    await balancer.finds('ready', oldPlaces)
    await balancer.finds('down', newPlaces)
    const end = startLoad(balancer.port, join(folder, 'results.json'))
    await setTimeout(STEADY)
    const begun = performance.now()
    pods.push(...(await update([...pods], newPlaces, WAYS[way], balancer)))
    const seconds = (performance.now() - begun) / 1000
    await setTimeout(STEADY)
    const { counts } = await end()
    const servers = [...(await balancer.counts())]
    const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
    const had = sum(servers.filter(([name]) => name.startsWith('old')).map(([, { total }]) => total))
    const { '1001 server': told = 0, '1000 client': left = 0, ...others } = counts.closes
    const failed = counts.connections.attempted - counts.connections.opened
    const row = [
      ...[way, balanced, counts.connections.attempted, failed, had, told, namesOf(others)],
      ...[sum(servers.map(([, { retried }]) => retried)), Math.max(...servers.map(([, { peak }]) => peak))],
      ...[counts.messages.sent, counts.faults.lost ?? 0, seconds.toFixed(0)],
    ]
    console.log(`| ${row.join(' | ')} |`)
    return failed === 0 && told === had && left === CONNECTIONS && Object.keys(others).length === 0
  } finally {
    await Promise.all(pods.map(({ service }) => service.stop()))
    await balancer.stop()
    rmSync(folder, { recursive: true })
  }
}

/** Such as `2 of 1006 server`. */
function namesOf(ends: Readonly<Record<string, number>>): string {
  const texts = Object.entries(ends).map(([name, count]) => `${count} of ${name}`)
  return texts.length === 0 ? 'none' : texts.join(', ')
}

console.log(`| ${COLUMNS.join(' | ')} |\n|${COLUMNS.map(() => ' --- |').join('')}`)
let isProved = true
for (const way of Object.keys(WAYS) as (keyof typeof WAYS)[])
  for (const balanced of Object.keys(ALGORITHMS) as (keyof typeof ALGORITHMS)[])
    isProved = (await tryOut(way, balanced)) && isProved
process.exit(isProved ? 0 : 1)
