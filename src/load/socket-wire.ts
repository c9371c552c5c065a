// TCP and TLS: connects, shakes hands over HTTP/1.1, and carries frames.

import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type HandshakeTerms, judgeUpgrade, ResponseReader, requestHead } from './opening-handshake.js'
import { Violation } from './violation.js'
import type { Wire, WireHandler } from './wire.js'

/** Octets that one read can bring. */
const READ_BUFFER = 256 * 1024

/** What TLS connections have in common; undefined where the URL is `ws:`. */
export interface TlsTerms {
  readonly ca: string | undefined
  readonly insecure: boolean
  readonly servername: string | undefined
}

export interface Target {
  readonly url: URL
  readonly terms: HandshakeTerms
  readonly tls: TlsTerms
}

/** All plain connections of the thread read into this, each chunk being done with when its callback returns. */
let readBuffer: Buffer | undefined

export class SocketWire implements Wire {
  readonly #handler: WireHandler
  readonly #target: Target
  readonly #key: string
  readonly #socket: Socket
  #response: ResponseReader | undefined = new ResponseReader()
  #received = 0
  #sent = 0
  #error: string | undefined

  /** Begins to connect. @param key Sec-WebSocket-Key */
  constructor(target: Target, key: string, handler: WireHandler) {
    this.#target = target
    this.#key = key
    this.#handler = handler
    const isTls = target.url.protocol === 'wss:'
    this.#socket = isTls ? this.#connectTls() : this.#connectPlain()
    this.#socket.on(isTls ? 'secureConnect' : 'connect', () => this.#request())
    this.#socket.on('drain', () => handler.onDrain())
    this.#socket.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      this.#error = code ?? message
    })
    this.#socket.on('close', () => handler.onClosed(this.#error))
  }

  get pending(): number {
    return this.#socket.writableLength
  }

  write(octets: Buffer): void {
    if (!this.#socket.destroyed) this.#socket.write(octets)
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #connectPlain(): Socket {
    readBuffer ??= Buffer.allocUnsafeSlow(READ_BUFFER)
    const onread = {
      buffer: readBuffer,
      callback: (length: number, buffer: Uint8Array) => {
        this.#onOctets(buffer as Buffer, length)
        return true
      },
    }
    const options: NetConnectOpts = { ...endpointOf(this.#target.url), noDelay: true, onread }
    return connect(options)
  }

  #connectTls(): Socket {
    const { ca, insecure, servername } = this.#target.tls
    const endpoint = endpointOf(this.#target.url)
    const socket = connectTls({
      ...endpoint,
      ...(ca !== undefined && { ca }),
      ...serverName(servername, endpoint.host),
      rejectUnauthorized: !insecure,
      ALPNProtocols: ['http/1.1'],
    })
    socket.setNoDelay(true)
    socket.on('data', chunk => this.#onOctets(chunk, chunk.length))
    return socket
  }

  #request(): void {
    const head = Buffer.from(requestHead(this.#target.url, this.#key, this.#target.terms))
    this.#sent = head.length
    this.#socket.write(head)
  }

  #onOctets(chunk: Buffer, length: number): void {
    if (this.#response === undefined) this.#handler.onChunk(chunk, length)
    else this.#onResponse(this.#response, Buffer.from(chunk.subarray(0, length)))
  }

  #onResponse(response: ResponseReader, chunk: Buffer): void {
    this.#received += chunk.length
    try {
      const read = response.push(chunk)
      if (read === undefined) return
      const { head, rest } = read
      if (head.status !== 101) return this.#handler.onRefused(String(head.status))
      const agreed = judgeUpgrade(head, this.#key, this.#target.terms)
      this.#response = undefined
      this.#handler.onUpgraded(agreed, { sent: this.#sent, received: this.#received - rest.length })
      if (rest.length > 0) this.#handler.onChunk(rest, rest.length)
    } catch (error) {
      if (!(error instanceof Violation)) throw error
      this.#handler.onRefused(error.code)
    }
  }
}

/** Where to connect to. */
export function endpointOf({ protocol, hostname, port }: URL): { host: string; port: number } {
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  return { host, port: port === '' ? (protocol === 'wss:' ? 443 : 80) : Number(port) }
}

/** SNI as asked for; else the host's name, which an address is none (RFC 6066 section 3). */
export function serverName(asked: string | undefined, host: string): { servername?: string } {
  if (asked !== undefined) return { servername: asked }
  return /^[\d.]+$|:/.test(host) ? {} : { servername: host }
}
