// The opening handshake's I/O: Node's http server reads the request, protocol/ judges it, ws accepts it.

import { createServer, type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type SecureContext, TLSSocket } from 'node:tls'
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws'
import type { Admission } from '../messages.js'
import { type Acceptance, judgeUpgrade, type RefusalReason, type UpgradeRules } from '../protocol/upgrade-request.js'
import type { Settings } from '../settings.js'
import type { Traffic } from './traffic.js'

/** An accepted handshake; the 101 response is written. */
export interface Upgraded {
  /** What carries the WebSocket octets: the socket itself, or TLS on it. */
  readonly stream: Duplex
  readonly socket: Socket
  /** What the peer sent right behind its request. */
  readonly head: Buffer
  readonly request: IncomingMessage
  /** Head of the 101 response. */
  readonly response: string
  readonly agreement: Acceptance
}

export interface OpeningHandler {
  onUpgraded(id: number, upgraded: Upgraded): void
  /** The connection ended before it was a WebSocket one. */
  onGone(id: number): void
}

/** A connection on its way through the handshake. */
interface Opening {
  readonly id: number
  readonly socket: Socket
  readonly stream: Duplex
  readonly admission: Admission
  readonly onClose: () => void
  /** By when the request must be complete, and a refused peer gone; monotonic milliseconds. */
  deadline: number
  refused: boolean
}

interface Refusal {
  readonly status: number
  readonly sentence: string
  readonly headers?: Record<string, string>
  readonly reason: RefusalReason
}

const OVER_LIMIT: Record<Exclude<Admission, 0>, Refusal & { reason: 'max_connections' | 'max_connections_per_ip' }> = {
  429: {
    status: 429,
    sentence: 'Too many connections come from this address (max-connections-per-ip).',
    reason: 'max_connections_per_ip',
  },
  503: {
    status: 503,
    sentence: 'The server has all the connections it may have (max-connections).',
    reason: 'max_connections',
  },
}

const TIMEOUT: Refusal = {
  status: 408,
  sentence: 'The request was not complete within the handshake timeout.',
  reason: 'timeout',
}
const HEAD_TOO_LARGE: Refusal = { status: 431, sentence: 'The request head is longer than 16 KiB.', reason: 'bad_http' }
const NOT_HTTP: Refusal = { status: 400, sentence: 'The request is not valid HTTP/1.1.', reason: 'bad_http' }

/** Stands in for ws's own class in its handshake: it only takes the socket over. */
class Taker {
  head: Buffer = Buffer.alloc(0)

  setSocket(_socket: Duplex, head: Buffer): void {
    this.head = head
  }
}

export class Openings {
  readonly #settings: Settings
  readonly #secureContext: SecureContext | undefined
  readonly #traffic: Traffic
  readonly #handler: OpeningHandler
  readonly #rules: UpgradeRules
  readonly #http: Server
  readonly #ws: WebSocketServer
  readonly #open = new Map<Duplex, Opening>()
  /** Judgement of the request that ws is accepting at this moment, and the response that it makes of it. */
  #accepting: Acceptance | undefined
  #response = ''

  constructor(settings: Settings, secureContext: SecureContext | undefined, traffic: Traffic, handler: OpeningHandler) {
    this.#settings = settings
    this.#secureContext = secureContext
    this.#traffic = traffic
    this.#handler = handler
    this.#rules = rulesOf(settings)
    this.#http = this.#createHttp()
    this.#ws = this.#createWs()
  }

  /** Takes a fresh connection through the handshake. */
  take(id: number, socket: Socket, admission: Admission): void {
    const stream = this.#secure(socket)
    const deadline = performance.now() + this.#settings.handshakeTimeout
    const onClose = (): void => this.#onSocketClosed(opening)
    const opening: Opening = { id, socket, stream, admission, onClose, deadline, refused: false }
    this.#open.set(stream, opening)
    socket.setNoDelay(true)
    socket.on('error', ignore)
    socket.on('close', onClose)
    this.#http.emit('connection', stream)
  }

  get size(): number {
    return this.#open.size
  }

  /** Ends handshakes that take too long; `now` is `performance.now()`. */
  sweep(now: number): void {
    for (const opening of this.#open.values()) {
      if (now < opening.deadline) continue
      if (opening.refused || opening.stream !== opening.socket) opening.socket.destroy()
      else this.#refuse(opening, TIMEOUT)
    }
  }

  /** Drops this connection if it is still on its way. */
  drop(id: number): void {
    for (const opening of this.#open.values()) if (opening.id === id) opening.socket.destroy()
  }

  /** Drops every connection that is still on its way. */
  close(): void {
    for (const { socket } of this.#open.values()) socket.destroy()
  }

  #secure(socket: Socket): Duplex {
    if (this.#secureContext === undefined) return socket
    const stream = new TLSSocket(socket, {
      isServer: true,
      secureContext: this.#secureContext,
      ALPNProtocols: ['http/1.1'],
    })
    stream.on('error', () => socket.destroy())
    return stream
  }

  /** Node's own answers (no Host, an Expect it does not know) would be neither explained nor counted, so it gives none. */
  #createHttp(): Server {
    const server = createServer({ requireHostHeader: false })
    const onRequest = (request: IncomingMessage): void => {
      request.resume()
      this.#refuseRequest(request, request.socket)
    }
    server.on('request', onRequest).on('checkContinue', onRequest).on('checkExpectation', onRequest)
    server.on('upgrade', (request, stream, head) => this.#onUpgrade(request, stream, head))
    server.on('connect', (request, stream) => this.#refuseRequest(request, stream))
    server.on('clientError', (error: NodeJS.ErrnoException, stream) => {
      const opening = this.#open.get(stream)
      // What a refused peer still sends is read and dropped: resetting the connection could cost it the answer.
      if (opening?.refused) return
      if (opening === undefined || !stream.writable) stream.destroy()
      else this.#refuse(opening, error.code === 'HPE_HEADER_OVERFLOW' ? HEAD_TOO_LARGE : NOT_HTTP)
    })
    return server
  }

  #createWs(): WebSocketServer {
    const server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      WebSocket: Taker as unknown as typeof WebSocket,
      handleProtocols: () => this.#accepting?.subprotocol ?? false,
    } as ServerOptions)
    server.on('headers', headers => {
      const value = this.#accepting?.extensionsHeader
      if (value !== undefined) headers.push(`Sec-WebSocket-Extensions: ${value}`)
      this.#response = headers.join('\r\n')
    })
    return server
  }

  #judge(request: IncomingMessage, opening: Opening): Acceptance | Refusal {
    if (opening.admission !== 0) {
      const refusal = OVER_LIMIT[opening.admission]
      this.#traffic.connectionRejected(refusal.reason)
      return refusal
    }
    const { method = '', httpVersion, url: target = '', rawHeaders } = request
    return judgeUpgrade({ method, httpVersion, target, rawHeaders }, this.#rules)
  }

  #onUpgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const opening = this.#open.get(stream)
    if (opening === undefined || opening.refused) return
    const judgement = this.#judge(request, opening)
    if ('status' in judgement) return this.#refuse(opening, judgement, request.method === 'HEAD')
    normalise(request, judgement)
    this.#accepting = judgement
    this.#ws.handleUpgrade(request, stream, head, client => {
      this.#open.delete(stream)
      opening.socket.off('close', opening.onClose)
      this.#traffic.handshake('accepted')
      const { head: behind } = client as unknown as Taker
      this.#handler.onUpgraded(opening.id, {
        stream,
        socket: opening.socket,
        head: behind,
        request,
        response: this.#response,
        agreement: judgement,
      })
    })
    this.#accepting = undefined
  }

  /** A request that Node did not take for an upgrade. */
  #refuseRequest(request: IncomingMessage, stream: Duplex): void {
    const opening = this.#open.get(stream)
    if (opening === undefined || opening.refused) return
    const judgement = this.#judge(request, opening)
    this.#refuse(opening, 'status' in judgement ? judgement : NOT_HTTP, request.method === 'HEAD')
  }

  #refuse(opening: Opening, { status, sentence, headers, reason }: Refusal, headOnly = false): void {
    this.#traffic.handshake(reason)
    opening.refused = true
    opening.deadline = performance.now() + this.#settings.handshakeTimeout
    const body = `${sentence}\n`
    const { Connection: connection, ...others } = headers ?? {}
    const fields = {
      ...others,
      Connection: connection === undefined ? 'close' : `${connection}, close`,
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Length': String(Buffer.byteLength(body)),
    }
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
    opening.stream.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${headOnly ? '' : body}`)
    opening.stream.resume()
  }

  #onSocketClosed({ id, socket, stream }: Opening): void {
    if (!this.#open.delete(stream)) return
    stream.destroy()
    this.#traffic.wireReceived(socket.bytesRead)
    this.#traffic.wireSent(socket.bytesWritten)
    this.#handler.onGone(id)
  }
}

function rulesOf(settings: Settings): UpgradeRules {
  const { path, origin, subprotocol, compression, windowBits, contextTakeover } = settings
  return {
    path,
    origins: origin,
    subprotocols: subprotocol,
    compression: compression === 'on' ? { windowBits, contextTakeover: contextTakeover === 'on' } : undefined,
  }
}

/** ws judges again, and less well: it gets the headers in the one form that it takes. */
function normalise(request: IncomingMessage, { subprotocol }: Acceptance): void {
  request.headers.upgrade = 'websocket'
  if (subprotocol === undefined) delete request.headers['sec-websocket-protocol']
  else request.headers['sec-websocket-protocol'] = subprotocol
}

/** An error closes the socket, and the close says all there is to know. */
function ignore(): void {}
