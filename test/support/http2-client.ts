// A client of HTTP/2 that opens WebSocket connections on streams (RFC 8441), and requests of other kinds; on node:http2.

import { once } from 'node:events'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2'
import type { Socket } from 'node:net'
import { certificate } from './certificate.js'
import { RawClient } from './raw-client.js'

/** What ends with a test. */
interface Lasting {
  after(hook: () => void): void
}

/** The pseudo-header fields of an extended CONNECT, and the version. */
export const CONNECT: OutgoingHttpHeaders = {
  ':method': 'CONNECT',
  ':protocol': 'websocket',
  ':scheme': 'http',
  ':path': '/',
  ':authority': '127.0.0.1',
  'sec-websocket-version': '13',
}

export interface StreamResponse {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/**
 * A session for as long as the test lasts, once the server has said what it takes.
 *
 * @param socket is connected to it; without one, there is one of its own
 */
export async function openSession(
  t: Lasting,
  port: number,
  secure = false,
  socket?: Socket,
): Promise<ClientHttp2Session> {
  const session = connect(`${secure ? 'https' : 'http'}://127.0.0.1:${port}`, {
    ca: certificate('first'),
    settings: { enablePush: false },
    ...(socket !== undefined && { createConnection: () => socket }),
  })
  session.on('error', () => {})
  t.after(() => session.destroy())
  await once(session, 'remoteSettings')
  return session
}

/** Sends a request; the stream stays open, unless it is one that has to end. */
export function request(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders = CONNECT,
  endStream = false,
): ClientHttp2Stream {
  const stream = session.request(headers, { endStream })
  stream.on('error', () => {})
  return stream
}

/** The response to `stream`, whose body is read if it is no WebSocket connection. */
export async function responseTo(stream: ClientHttp2Stream): Promise<StreamResponse> {
  const [fields] = (await once(stream, 'response')) as [Record<string, string | string[] | number>]
  const status = Number(fields[':status'])
  const headers = new Map(Object.entries(fields).map(([name, value]) => [name, String(value)]))
  return { status, headers, body: '' }
}

/** The whole response to a request that is refused; resolves when the stream is closed. */
export async function refusedResponse(stream: ClientHttp2Stream): Promise<StreamResponse & { code: number }> {
  const chunks: Buffer[] = []
  stream.on('data', chunk => chunks.push(chunk))
  const closed = once(stream, 'close')
  const response = await responseTo(stream)
  stream.end()
  await closed
  return { ...response, body: Buffer.concat(chunks).toString('latin1'), code: stream.rstCode ?? -1 }
}

/** Resolves with the code of the stream's end. */
export async function closeOf(stream: ClientHttp2Stream): Promise<number> {
  if (!stream.destroyed) await once(stream, 'close')
  return stream.rstCode ?? constants.NGHTTP2_NO_ERROR
}

/** A WebSocket connection on a stream: sends exactly the octets it is told to. */
export class StreamClient extends RawClient {
  readonly stream: ClientHttp2Stream
  /** Fields of the answer; empty before it. */
  response: ReadonlyMap<string, string> = new Map()

  /** @param reads false to leave unread what comes */
  constructor(stream: ClientHttp2Stream, reads = true) {
    // What is used of a socket, a stream has as well.
    super(stream as unknown as Socket)
    this.stream = stream
    if (!reads) stream.pause()
  }

  /** Opens one on a session of its own, for as long as the test lasts; `fields` are added to the request. */
  static async openStream(
    t: Lasting,
    port: number,
    fields: OutgoingHttpHeaders = {},
    secure = false,
  ): Promise<StreamClient> {
    const session = await openSession(t, port, secure)
    const client = new StreamClient(request(session, { ...CONNECT, ...fields }))
    const { status, headers } = await responseTo(client.stream)
    if (status !== 200) throw new Error(`refused with ${status}`)
    client.response = headers
    return client
  }

  startReading(): void {
    this.stream.resume()
  }

  override destroy(): void {
    this.stream.close(constants.NGHTTP2_CANCEL)
  }
}
