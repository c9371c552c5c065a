// A proxy from HTTP/1.1 to HTTP/2: every WebSocket connection of its clients is a stream of a session that some share. What
// clients of HTTP/1.1 ask for, raw ones and real ones, so runs over HTTP/2; octets go through as they are, FIN as END_STREAM
// and RST as RST_STREAM.

import { once } from 'node:events'
import { STATUS_CODES } from 'node:http'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { certificate } from './certificate.js'

/** Streams of one session at most. */
const STREAMS = 16

/** Fields of HTTP/1.1 alone. */
const HOP_BY_HOP = /^(?:host|upgrade|connection)$/

/**
 * @param port of the service on 127.0.0.1
 * @returns port on 127.0.0.1
 */
export async function http2Bridge(
  t: { after(hook: () => void): void },
  port: number,
  secure: boolean,
): Promise<number> {
  const sessions = new Sessions(`${secure ? 'https' : 'http'}://127.0.0.1:${port}`)
  const clients = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, client => {
    clients.add(client)
    client.on('error', () => {})
    client.once('close', () => clients.delete(client))
    void serve(client, sessions)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    server.close()
    sessions.destroy()
    for (const client of clients) client.destroy()
  })
  return (server.address() as AddressInfo).port
}

class Sessions {
  readonly #origin: string
  readonly #all: { readonly http2: ClientHttp2Session; streams: number }[] = []

  constructor(origin: string) {
    this.#origin = origin
  }

  async request(headers: OutgoingHttpHeaders): Promise<ClientHttp2Stream> {
    let session = this.#all.find(({ http2, streams }) => streams < STREAMS && !http2.closed && !http2.destroyed)
    if (session === undefined) {
      session = { http2: connect(this.#origin, { ca: certificate('first') }), streams: 0 }
      session.http2.on('error', () => {})
      this.#all.push(session)
    }
    const taken = session
    taken.streams++
    if (!taken.http2.remoteSettings?.enableConnectProtocol) await once(taken.http2, 'remoteSettings')
    const stream = taken.http2.request(headers, { endStream: false })
    stream.once('close', () => {
      if (--taken.streams === 0) taken.http2.close()
    })
    return stream
  }

  destroy(): void {
    for (const { http2 } of this.#all) http2.destroy()
  }
}

async function serve(client: Socket, sessions: Sessions): Promise<void> {
  const { head, behind } = await readHead(client)
  if (head === undefined) return void client.destroy()
  const stream = await sessions.request(connectHeaders(head))
  stream.on('error', () => {})
  stream.once('response', fields => {
    client.write(responseHead(fields as Record<string, string | number>), 'latin1')
    if (fields[':status'] !== 200) stream.end()
    stream.pipe(client, { end: false })
  })
  if (behind.length > 0) stream.write(behind)
  client.pipe(stream)
  stream.once('end', () => client.end())
  stream.once('close', () => {
    if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) client.resetAndDestroy()
    else client.end()
  })
  client.once('close', () => stream.close(constants.NGHTTP2_CANCEL))
}

interface Head {
  readonly head: string | undefined
  readonly behind: Buffer
}

/** The head that `client` sends, and what comes right behind it. */
function readHead(client: Socket): Promise<Head> {
  return new Promise(resolve => {
    let input = Buffer.alloc(0)
    const onData = (chunk: Buffer): void => {
      input = Buffer.concat([input, chunk])
      const end = input.indexOf('\r\n\r\n')
      if (end < 0) return
      client.off('data', onData).pause()
      resolve({ head: input.toString('latin1', 0, end), behind: input.subarray(end + 4) })
    }
    client.on('data', onData)
    client.once('close', () => resolve({ head: undefined, behind: input }))
  })
}

function connectHeaders(head: string): OutgoingHttpHeaders {
  const [line, ...fields] = head.split('\r\n')
  const [, path] = line.split(' ')
  const headers: Record<string, string | string[]> = {
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':scheme': 'http',
    ':path': path.replace(/^\w+:\/\/[^/]+/, '') || '/',
  }
  for (const field of fields) {
    const [, name, value] = /^([^:]+):[ \t]*(.*?)[ \t]*$/.exec(field) as RegExpExecArray
    const lower = name.toLowerCase()
    if (lower === 'host') headers[':authority'] = value
    // Lines of a list are one (RFC 9110 section 5.3): node:http2 sends no further ones of some fields.
    else if (!HOP_BY_HOP.test(lower)) headers[lower] = lower in headers ? `${headers[lower]}, ${value}` : value
  }
  return headers
}

function responseHead(fields: Readonly<Record<string, string | number>>): string {
  const status = Number(fields[':status'])
  const lines = Object.entries(fields)
    .filter(([name]) => !name.startsWith(':'))
    .map(([name, value]) => `${name}: ${value}\r\n`)
  const upgrade = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
  const refusal = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n`
  return `${status === 200 ? upgrade : refusal}${lines.join('')}\r\n`
}
