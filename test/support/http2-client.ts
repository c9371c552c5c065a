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

/** A session for as long as the test lasts, once the server has said what it takes. */
export async function openSession(t: Lasting, port: number, secure = false): Promise<ClientHttp2Session> {
  const session = connect(`${secure ? 'https' : 'http'}://127.0.0.1:${port}`, {
    ca: certificate('first'),
    settings: { enablePush: false },
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

/** The TCP socket that carries a session. */
export function socketOf(session: ClientHttp2Session): Socket {
  return session.socket as Socket
}
