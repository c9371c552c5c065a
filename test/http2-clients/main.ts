// What real clients and proxies do over HTTP/2, for the table in docs/http2.md:
//   npm run http2-clients -- [--python PATH] [--chromium PATH] [--firefox PATH] [--curl PATH] [--nghttpx PATH] [--haproxy PATH] [--envoy PATH] [--caddy PATH]
//
// Writes the table between the markers `http2-clients`. A client that is not given is left out. --python needs h2 of PyPI.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { ConnectionReport } from '../../src/report/report.js'
import { TlsFiles } from '../support/certificate.js'
import { type ProxyName, startProxy } from '../support/http2-proxies.js'
import { ROOT, replaceBlock } from '../support/readme-blocks.js'
import { Service } from '../support/service.js'
import { WsClient } from '../support/ws-client.js'
import { runBrowser } from './browser.js'

const PAGE = join(ROOT, 'docs/http2.md')

const PROXIES: Readonly<Record<ProxyName, readonly string[]>> = {
  nghttpx: ['--version'],
  haproxy: ['-v'],
  envoy: ['--version'],
  caddy: ['version'],
}

/** Milliseconds after which a client counts as stuck. */
const PATIENCE = 10_000

const path = { type: 'string' } as const
const { values } = parseArgs({
  options: {
    python: path,
    chromium: path,
    firefox: path,
    curl: path,
    nghttpx: path,
    haproxy: path,
    envoy: path,
    caddy: path,
  },
})

type Row = readonly [client: string, way: string, did: string, saw: string]

/** Ends with the run of one client. */
class Scope {
  readonly #hooks: (() => Promise<void> | void)[] = []

  after(hook: () => Promise<void> | void): void {
    this.#hooks.push(hook)
  }

  async end(): Promise<void> {
    for (const hook of this.#hooks.reverse()) await hook()
  }
}

async function outputOf(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', chunk => {
    output += chunk
  })
  child.stderr.resume()
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`exit code ${code}`)
  return output
}

async function versionOf(program: string, args: readonly string[]): Promise<string> {
  return /\d+(?:\.\d+)+/.exec(await outputOf(program, args))?.[0] ?? ''
}

/** What the service saw of the newest WebSocket connection, once it is gone. */
async function sawOf(service: Service): Promise<string> {
  const newest = async (): Promise<ConnectionReport | undefined> => {
    const list = await (await fetch(`${service.adminUrl}/connections`)).json()
    const { id } = (list as { connections: { id: number; state: string }[] }).connections.find(
      ({ state }) => state !== 'refused',
    ) ?? { id: 0 }
    if (id === 0) return undefined
    return (await (await fetch(`${service.adminUrl}/connections/${id}`)).json()) as ConnectionReport
  }
  const report = await service.until(newest, each => each === undefined || each.state === 'closed')
  if (report === undefined) return 'no WebSocket connection'
  const { transport, clean, closing, key, handshake } = report
  const received = closing.received === null ? 'no Close' : `Close ${closing.received.code}`
  const compressed = handshake.extensions === null ? '' : ', compressed'
  return `${transport}${compressed}; ${received}, ${clean ? 'clean' : `unclean: ${closing.uncleanReason}`}; ${key === null ? 'no key' : 'a key'}`
}

async function withService(run: (service: Service, scope: Scope) => Promise<Row>, tls = false): Promise<Row> {
  const scope = new Scope()
  const flags = tls ? new TlsFiles(scope).flags : []
  const service = new Service(['--workers', '1', '--plain-http', 'describe', '--log-level', 'error', ...flags])
  scope.after(() => service.stop())
  try {
    await service.listening()
    return await run(service, scope)
  } finally {
    await scope.end()
  }
}

/** A ws client through the proxy: text, 1 MiB, compressed, and a Close of the client's. */
async function throughProxy(name: ProxyName, program: string): Promise<Row> {
  const title = `${name} ${await versionOf(program, PROXIES[name])}`
  return withService(async (service, scope) => {
    const proxy = await startProxy(name, program, service.port)
    scope.after(() => proxy.stop())
    const clients = new Scope()
    scope.after(() => clients.end())
    const did = await patiently(
      (async () => {
        const url = `ws://127.0.0.1:${proxy.port}/path?query`
        const client = await WsClient.open({ after: hook => clients.after(hook) }, url, {
          perMessageDeflate: { threshold: 0 },
        })
        const messages = ['hällo', Buffer.alloc(2 ** 20, 'x'), 'text '.repeat(10_000)]
        for (const message of messages) {
          client.send(message)
          const echo = await client.receive()
          if (!Buffer.from(echo as Buffer).equals(Buffer.from(message as Buffer))) return 'an echo was not its message'
        }
        client.close(4001, 'bye')
        const { code, reason } = await client.closed
        return `text, 1 MiB and compressed messages echoed; closed with ${code} "${reason}"`
      })(),
    )
    const saw = await sawOf(service)
    return [title, 'HTTP/1.1 from ws, HTTP/2 over TCP to the service', did, saw]
  })
}

async function patiently(doing: Promise<string>): Promise<string> {
  let timer: NodeJS.Timeout | undefined
  const stuck = new Promise<string>(resolve => {
    timer = setTimeout(() => resolve(`nothing within ${PATIENCE / 1000} s`), PATIENCE)
  })
  try {
    return await Promise.race([doing.catch(error => `failed: ${(error as Error).message}`), stuck])
  } finally {
    clearTimeout(timer)
  }
}

async function python(program: string): Promise<Row> {
  return withService(async service => {
    const driver = join(ROOT, 'test/http2-clients/driver.py')
    const seen = JSON.parse(await outputOf(program, [driver, String(service.port)])) as Record<string, unknown>
    const { version, status, text, binary, close, ended } = seen
    const right = text && binary && close ? 'text, 70,000 octets and its Close echoed' : JSON.stringify(seen)
    const did = `${status}; ${right}; the stream ended with ${ended}`
    return [`Python h2 ${version}`, 'HTTP/2 over TCP, prior knowledge', did, await sawOf(service)]
  })
}

async function browser(name: 'Chromium' | 'Firefox', program: string): Promise<Row> {
  const version = await versionOf(program, ['--version'])
  return withService(async service => {
    const { protocol, echoes, extensions, code, clean } = await runBrowser(
      name === 'Firefox' ? 'firefox' : 'chrome',
      program,
      `https://127.0.0.1:${service.port}/`,
    )
    const right = echoes.every(each => each) ? 'text and 70,000 octets echoed' : 'an echo was not its message'
    const agreed = extensions === '' ? '' : ', compression agreed on'
    const did = `page over ${protocol}; ${right}${agreed}; closed with ${code}, ${clean ? 'clean' : 'not clean'}`
    return [`${name} ${version}`, 'wss by ALPN', did, await sawOf(service)]
  }, true)
}

/** curl has no WebSocket over HTTP/2: it shows what a request of another kind gets. */
async function curl(program: string): Promise<Row> {
  const version = await versionOf(program, ['--version'])
  return withService(async service => {
    const url = `http://127.0.0.1:${service.port}/`
    const args = [
      '--silent',
      '--http2-prior-knowledge',
      '--write-out',
      '%{http_version} %{http_code}',
      '--output',
      '-',
      url,
    ]
    const output = await outputOf(program, args)
    const [, json, told] = /^(.*)\n(.*)$/s.exec(output) ?? []
    const { httpVersion } = JSON.parse(json) as { httpVersion: string }
    const did = `a plain GET, no WebSocket: HTTP/${told}, JSON about a request of HTTP/${httpVersion}`
    return [`curl ${version}`, 'HTTP/2 over TCP, prior knowledge', did, await sawOf(service)]
  })
}

const rows: Row[] = []
const run = async (row: Promise<Row>): Promise<void> => {
  rows.push(await row)
  console.log(rows[rows.length - 1].join(' | '))
}
if (values.python) await run(python(values.python))
if (values.chromium) await run(browser('Chromium', values.chromium))
if (values.firefox) await run(browser('Firefox', values.firefox))
if (values.curl) await run(curl(values.curl))
for (const name of Object.keys(PROXIES) as ProxyName[]) {
  const program = values[name]
  if (program) await run(throughProxy(name, program))
}
const header = ['client', 'way', 'what it did', 'what the service saw']
const table = [header, header.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
writeFileSync(PAGE, replaceBlock(readFileSync(PAGE, 'utf8'), 'http2-clients', table))
