// Node's own HTTP/1.1 parser as an oracle: what it makes of octets that come over a real socket.

import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import type { UpgradeRequest } from '../../src/protocol/upgrade-request.js'

/** What Node takes for the first request in `octets`; undefined if it refuses them or finds their head incomplete. */
export type NodeParser = (octets: Uint8Array) => Promise<UpgradeRequest | undefined>

/** Starts a server of node:http, as strict as it can be, that lives as long as the test. */
export async function startNodeParser(t: TestContext): Promise<NodeParser> {
  const options = { insecureHTTPParser: false, maxHeaderSize: 16 * 1024, requireHostHeader: false }
  const server = createServer(options)
  const answer = (request: IncomingMessage, stream: Duplex = request.socket) => {
    const { method, url: target, httpVersion, rawHeaders } = request
    if (!stream.writableEnded) stream.end(JSON.stringify({ method, target, httpVersion, rawHeaders }))
    stream.resume()
  }
  for (const event of ['request', 'checkContinue', 'checkExpectation'] as const) {
    server.on(event, (request: IncomingMessage) => answer(request))
  }
  for (const event of ['upgrade', 'connect'] as const) server.on(event, answer)
  server.on('clientError', (_error, stream) => stream.end())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())

  const { port } = server.address() as AddressInfo
  return async octets => {
    const socket: Socket = connect(port, '127.0.0.1')
    socket.end(octets)
    const answered = await text(socket)
    return answered === '' ? undefined : JSON.parse(answered)
  }
}
