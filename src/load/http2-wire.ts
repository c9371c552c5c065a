// WebSocket over HTTP/2 (RFC 8441): streams of few sessions, each stream a connection of its own.

import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import { type HandshakeTerms, judgeTerms, negotiatedFields } from './opening-handshake.js'
import { serverName, type Target } from './socket-wire.js'
import { Violation } from './violation.js'
import type { Wire, WireHandler } from './wire.js'

/** Octets of a window: the default, 64 KiB, would have large messages wait for the client's own updates. */
const WINDOW = 1024 * 1024

/** The sessions of one thread. */
export class Http2Sessions {
  readonly #streams: number
  /** Sessions that have room, by URL. */
  readonly #open = new Map<string, Session>()

  /** @param streams WebSocket streams of one session at most */
  constructor(streams: number) {
    this.#streams = streams
  }

  connect(target: Target, handler: WireHandler): Wire {
    const { origin } = new URL(target.url.href.replace(/^ws/, 'http'))
    const session = this.#open.get(origin)
    if (session?.hasRoom(this.#streams)) return new StreamWire(session, target, handler)
    const fresh = new Session(origin, target)
    this.#open.set(origin, fresh)
    return new StreamWire(fresh, target, handler)
  }
}

/** A session ends when the last of its streams has. */
class Session {
  readonly http2: ClientHttp2Session
  /** Resolves once the server has said whether it takes WebSockets (RFC 8441 section 3). */
  readonly settled: Promise<boolean>
  error: string | undefined
  #streams = 0

  constructor(origin: string, { url, tls }: Target) {
    this.http2 = connect(origin, {
      settings: { initialWindowSize: WINDOW, enablePush: false },
      ...(tls.ca !== undefined && { ca: tls.ca }),
      ...(url.protocol === 'wss:' && serverName(tls.servername, url.hostname)),
      rejectUnauthorized: !tls.insecure,
    })
    this.http2.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      this.error = code ?? message
    })
    this.settled = new Promise(resolve => {
      this.http2.once('remoteSettings', settings => resolve(settings.enableConnectProtocol === true))
      this.http2.once('close', () => resolve(false))
    })
  }

  hasRoom(most: number): boolean {
    return this.#streams < most && !this.http2.closed && !this.http2.destroyed
  }

  enter(): void {
    this.#streams++
  }

  leave(): void {
    if (--this.#streams === 0) this.http2.close()
  }
}

class StreamWire implements Wire {
  readonly #session: Session
  readonly #handler: WireHandler
  #stream: ClientHttp2Stream | undefined
  #isUpgraded = false
  #isClosed = false
  #error: string | undefined

  constructor(session: Session, target: Target, handler: WireHandler) {
    this.#session = session
    this.#handler = handler
    session.enter()
    void session.settled.then(takesWebSockets => this.#onSettled(takesWebSockets, target))
  }

  get pending(): number {
    return this.#stream?.writableLength ?? 0
  }

  write(octets: Buffer): void {
    if (this.#stream !== undefined && !this.#stream.destroyed && !this.#stream.writableEnded) this.#stream.write(octets)
  }

  end(): void {
    this.#stream?.end()
  }

  destroy(): void {
    if (this.#stream === undefined) return this.#onClosed()
    this.#stream.close(constants.NGHTTP2_CANCEL)
  }

  #onSettled(takesWebSockets: boolean, { url, terms }: Target): void {
    if (this.#isClosed) return
    if (!takesWebSockets || this.#session.http2.destroyed) {
      this.#error = this.#session.error
      if (this.#error === undefined) this.#handler.onRefused('no enable_connect_protocol')
      return this.#onClosed()
    }
    const stream = this.#session.http2.request(requestFields(url, terms), { endStream: false })
    this.#stream = stream
    stream.on('response', fields => this.#onResponse(fields, terms))
    stream.on('data', chunk => {
      if (this.#isUpgraded) this.#handler.onChunk(chunk, chunk.length)
    })
    stream.on('drain', () => this.#handler.onDrain())
    // The server's half is over: so is the connection, and what is left of ours.
    stream.on('end', () => stream.end())
    stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      this.#error = code ?? message
    })
    stream.on('close', () => {
      // A stream that is reset is to HTTP/2 what a connection that is reset is to TCP (RFC 8441 section 5).
      if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) this.#error ??= 'ECONNRESET'
      this.#onClosed()
    })
  }

  #onResponse(fields: Readonly<Record<string, unknown>>, terms: HandshakeTerms): void {
    if (fields[':status'] !== 200) return this.#handler.onRefused(String(fields[':status']))
    try {
      const value = (name: string) => (fields[name] === undefined ? undefined : String(fields[name]))
      const agreed = judgeTerms({ value }, terms)
      this.#isUpgraded = true
      // Fields are compressed and frames shared: no octets of a session are this connection's alone.
      this.#handler.onUpgraded(agreed, { sent: 0, received: 0 })
    } catch (error) {
      if (!(error instanceof Violation)) throw error
      this.#handler.onRefused(error.code)
    }
  }

  #onClosed(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#session.leave()
    this.#handler.onClosed(this.#error)
  }
}

/** An extended CONNECT (RFC 8441 section 4): no key, no Upgrade. */
function requestFields(url: URL, terms: HandshakeTerms): Record<string, string | string[]> {
  const fields: Record<string, string[]> = {}
  for (const [name, value] of negotiatedFields(terms)) {
    const lower = name.toLowerCase()
    fields[lower] = [...(fields[lower] ?? []), value]
  }
  return {
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':scheme': url.protocol === 'wss:' ? 'https' : 'http',
    ':authority': url.host,
    ':path': `${url.pathname}${url.search}`,
    'sec-websocket-version': '13',
    ...fields,
  }
}
