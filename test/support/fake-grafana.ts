// Stands in for Grafana's HTTP API: answers every request with one status, and keeps what it was sent.

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import type { TestContext } from 'node:test'

export interface GrafanaRequest {
  /** Method and path. */
  readonly line: string
  readonly authorization: string | undefined
  readonly body: unknown
}

/** Lasts as long as the test. */
export async function startGrafana(t: TestContext, status: number) {
  const requests: GrafanaRequest[] = []
  const server = createServer(async (request, response) => {
    const { method, url, headers } = request
    requests.push({ line: `${method} ${url}`, authorization: headers.authorization, body: await json(request) })
    response.writeHead(status).end('{"message":"so it is"}')
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  return { requests, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}
