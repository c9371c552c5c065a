// What real clients do about each violation and ending: npm run clients [-- --node PATH --python PATH --chromium PATH]
//
// Writes the table between the markers `clients` of docs/controls.md. A client that is not given is left out.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { HANDSHAKE_FAULT_NAMES } from '../../src/controls/handshake-faults.js'
import { VIOLATION_NAMES } from '../../src/controls/violations.js'
import type { ConnectionReport } from '../../src/report/report.js'
import { CONTROLS_PAGE, ROOT, replaceBlock } from '../support/readme-blocks.js'
import { Service } from '../support/service.js'

/** What the application sees. */
interface Seen {
  readonly query: string
  readonly opened: boolean
  readonly messages: number
  /** Null where it saw no close in time. */
  readonly code: number | null
  /** It had to be asked to say goodbye. */
  readonly wentOn: boolean
}

type Client = (base: string, cases: readonly string[]) => Promise<readonly Seen[]>

const DRIVERS = join(ROOT, 'test', 'clients')

const CASES: readonly string[] = [
  ...VIOLATION_NAMES.map(name => `send=${name === 'bomb' ? 'bomb=64MiB' : name}`),
  'close=4001',
  'close=1005',
  'end=fin',
  'end=reset',
  ...HANDSHAKE_FAULT_NAMES.map(name => `handshake=${name}`),
  'status=503',
  'status=302',
]

const { values } = parseArgs({
  options: { node: { type: 'string' }, python: { type: 'string' }, chromium: { type: 'string' } },
})

async function outputOf(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], cwd: ROOT })
  let output = ''
  child.stdout.on('data', chunk => {
    output += chunk
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${program} exited with ${code}`)
  return output
}

function processClient(program: string, ...args: string[]): Client {
  return async (base, cases) => JSON.parse(await outputOf(program, [...args, base, ...cases]))
}

/** A page that runs the cases and posts what it saw. */
function browserClient(program: string): Client {
  return async (base, cases) => {
    const page = `<!doctype html><script type="module">
${readFileSync(join(DRIVERS, 'driver.mjs'), 'utf8')}
const seen = await runCases(WebSocket, ${JSON.stringify(base)}, ${JSON.stringify(cases)})
await fetch('/seen', { method: 'POST', body: JSON.stringify(seen) })
</script>`
    const profile = mkdtempSync(join(tmpdir(), 'echobahn-chromium-'))
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const args = [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      `--user-data-dir=${profile}`,
      `http://127.0.0.1:${port}/`,
    ]
    // In a group of its own, which ends as a whole.
    const browser = spawn(program, args, { stdio: 'ignore', detached: true })
    try {
      return await new Promise<Seen[]>(resolve => {
        server.on('request', (request, response) => {
          if (request.method !== 'POST') {
            response.setHeader('content-type', 'text/html').end(page)
            return
          }
          let body = ''
          request.on('data', chunk => {
            body += chunk
          })
          request.on('end', () => resolve(JSON.parse(body)))
          response.end()
        })
      })
    } finally {
      const exited = once(browser, 'exit')
      process.kill(-(browser.pid as number), 'SIGKILL')
      await exited
      server.close()
      server.closeAllConnections()
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
    }
  }
}

/** Versions stand in the table's head: what holds for one need not hold for the next. */
async function clients(): Promise<ReadonlyMap<string, Client>> {
  const found = new Map<string, Client>()
  const { version }: { version: string } = JSON.parse(readFileSync(join(ROOT, 'node_modules/ws/package.json'), 'utf8'))
  const driver = join(DRIVERS, 'driver.mjs')
  found.set(`ws ${version}`, processClient(process.execPath, driver, 'run', 'ws'))
  const { node, python, chromium } = values
  if (node)
    found.set(
      `Node ${(await outputOf(node, ['--version'])).trim().slice(1)}`,
      processClient(node, driver, 'run', 'node'),
    )
  if (python) {
    const told = await outputOf(python, ['-c', 'import websockets; print(websockets.__version__)'])
    found.set(`Python websockets ${told.trim()}`, processClient(python, join(DRIVERS, 'driver.py')))
  }
  if (chromium) {
    const [told] = (await outputOf(chromium, ['--version'])).match(/[\d.]+/) ?? ['']
    found.set(`Chromium ${told}`, browserClient(chromium))
  }
  return found
}

/** What the server saw: the report of the connection, if there was one. */
async function reportsOf(service: Service, name: string): Promise<ReadonlyMap<string, ConnectionReport>> {
  const { connections } = (await (await fetch(`${service.adminUrl}/connections?limit=10000`)).json()) as {
    connections: { id: number }[]
  }
  const reports = new Map<string, ConnectionReport>()
  for (const { id } of connections) {
    const report = (await (await fetch(`${service.adminUrl}/connections/${id}`)).json()) as ConnectionReport
    const [, owner, query] = report.path.split('/')
    if (owner === name) reports.set(decodeURIComponent(query), report)
  }
  return reports
}

/** One cell: what went over the wire, then what the application saw. */
function cellOf(seen: Seen, report: ConnectionReport | undefined): string {
  const judgement = report?.controls?.judgement
  const closed = report?.closing.received
  const wire = judgement?.client ?? (closed ? `answered with ${closed.code}` : '')
  const wrong = judgement?.right === false ? ' **✗**' : ''
  const application = seen.opened ? (seen.code === null ? 'no close' : `app ${seen.code}`) : 'not opened'
  const short = wire
    .replace('went on, and closed with ', 'went on, ')
    .replace('failed with ', '')
    .replace('ended TCP without a Close', 'TCP')
    .replace('broke the protocol in turn (ECHOBAHN_CLOSE_CODE)', 'sent that code back')
    .replace('did nothing until the server ended TCP', 'nothing')
  return `${[short, application].filter(part => part !== '').join('; ')}${wrong}`
}

const service = await new Service([
  ...['--workers', '1', '--reports', '10000', '--controls-hold-timeout', '3s', '--max-message', '128MiB'],
  ...['--handshake-timeout', '5s', '--log-level', 'error'],
]).listening()
try {
  const columns: [string, string[]][] = []
  for (const [title, client] of await clients()) {
    const name = title.replace(/\W.*/, '')
    const seen = await client(`${service.url}/${name}`, CASES)
    const reports = await reportsOf(service, name)
    columns.push([title, seen.map(found => cellOf(found, reports.get(found.query)))])
  }
  const rows = CASES.map((query, i) => [`\`${query}\``, ...columns.map(([, cells]) => cells[i])])
  const header = ['Control', ...columns.map(([title]) => title)]
  const table = [header, header.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
  writeFileSync(CONTROLS_PAGE, replaceBlock(readFileSync(CONTROLS_PAGE, 'utf8'), 'clients', table))
} finally {
  await service.stop()
}
