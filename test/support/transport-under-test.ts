// What carries the connections of a suite. Suites of the wire start their service here, and run over bare TCP handles; a test
// file that says `runOver` before it imports one of them runs it over another way. Over HTTP/2, clients of HTTP/1.1 go through a
// bridge.

import assert from 'node:assert/strict'
import type { ConnectionReport, ConnectionSummary } from '../../src/report/report.js'
import type { TransportKind } from '../../src/transport/transport.js'
import { TlsFiles } from './certificate.js'
import { http2Bridge } from './http2-bridge.js'
import { sabotage } from './sabotage.js'
import { Service } from './service.js'

/** Workers find none of what bare handles need of Node, and take the fallback. */
export const WITHOUT_BARE_HANDLES = sabotage(`
  if (cluster.isWorker) process.binding = () => { throw new Error('hidden') }
`)

export const TRANSPORTS: readonly TransportKind[] = ['tcp', 'stream', 'tls', 'h2c', 'h2']

let transport: TransportKind = 'tcp'

/** Whether connections are streams, whose sessions are connections beside them. */
export function isOverHttp2(): boolean {
  return transport === 'h2c' || transport === 'h2'
}

/** Whether connections come as they do where nothing else is asked for. */
export function isOverBareTcp(): boolean {
  return transport === 'tcp'
}

export function runOver(kind: TransportKind): void {
  transport = kind
}

/** As the one of `service.ts`; when the test ends, the newest connection must say that it came the way that was wanted. */
export async function startService(
  context: { after: (hook: () => Promise<void> | void) => void },
  ...options: string[]
): Promise<Service> {
  const secure = transport === 'tls' || transport === 'h2'
  const flags = secure ? new TlsFiles(context).flags : []
  const service = new Service([...options, ...flags], transport === 'stream' ? WITHOUT_BARE_HANDLES : {})
  context.after(async () => {
    try {
      if (service.child.exitCode === null) await assertCarriedBy(service, transport)
    } finally {
      await service.stop()
    }
  })
  await service.listening()
  if (isOverHttp2()) service.goThrough(await http2Bridge(context, service.port, secure))
  return service
}

/** Of a service that has accepted no handshake there is nothing to assert. */
async function assertCarriedBy(service: Service, kind: TransportKind): Promise<void> {
  const newest = await connectionReports(service, 1)
  for (const report of newest) assert.equal(report.transport, kind)
}

/** Reports of the newest connections, open and closed, `most` at most; not of handshakes that were refused. */
export async function connectionReports({ adminUrl }: Service, most: number): Promise<ConnectionReport[]> {
  const list = await fetch(`${adminUrl}/connections?limit=1000`)
  const { connections } = (await list.json()) as { connections: ConnectionSummary[] }
  const upgraded = connections.filter(({ state }) => state !== 'refused').slice(0, most)
  const reports = upgraded.map(({ id }) => fetch(`${adminUrl}/connections/${id}`).then(answer => answer.json()))
  return Promise.all(reports) as Promise<ConnectionReport[]>
}
