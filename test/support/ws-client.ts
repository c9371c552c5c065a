// Real WebSocket clients, ws and undici, behind one small interface: connect, send, and take what comes in order.

import { once } from 'node:events'
import { Agent, WebSocket as UndiciWebSocket } from 'undici'
import { type ClientOptions, type RawData, WebSocket } from 'ws'
import { certificate } from './certificate.js'

/** What clients trust. */
const CA = [certificate('first'), certificate('second')]

/** A message as the application sees it: a string is a text message. */
export type Message = string | Buffer

export interface Closing {
  readonly code: number
  readonly reason: string
}

/** What ends with a test. */
export interface Lasting {
  after(hook: () => void): void
}

/** Messages that came and were not taken yet, or takers that wait for one. Rejects them all once the connection is gone. */
class Inbox {
  readonly #messages: Message[] = []
  readonly #takers: { resolve(message: Message): void; reject(error: Error): void }[] = []
  #closed: Error | undefined

  put(message: Message): void {
    const taker = this.#takers.shift()
    if (taker === undefined) this.#messages.push(message)
    else taker.resolve(message)
  }

  close({ code, reason }: Closing): void {
    this.#closed = new Error(`the connection was closed with ${code} ${reason}`)
    for (const taker of this.#takers.splice(0)) taker.reject(this.#closed)
  }

  take(): Promise<Message> {
    const message = this.#messages.shift()
    if (message !== undefined) return Promise.resolve(message)
    if (this.#closed !== undefined) return Promise.reject(this.#closed)
    return new Promise((resolve, reject) => this.#takers.push({ resolve, reject }))
  }
}

export interface EchoClient {
  readonly closed: Promise<Closing>
  /** The answer's Sec-WebSocket-Extensions; empty when there is none. */
  readonly extensions: string
  readonly protocol: string
  send(message: Message): void
  receive(): Promise<Message>
  close(code?: number, reason?: string): void
}

export class WsClient implements EchoClient {
  readonly socket: WebSocket
  readonly closed: Promise<Closing>
  extensions = ''
  readonly #inbox = new Inbox()

  constructor(url: string, subprotocols: readonly string[], options: ClientOptions) {
    this.socket = new WebSocket(url, [...subprotocols], { ca: CA, ...options })
    this.socket.on('upgrade', ({ headers }) => {
      this.extensions = headers['sec-websocket-extensions'] ?? ''
    })
    this.socket.on('message', (data: RawData, isBinary) => {
      this.#inbox.put(isBinary ? (data as Buffer) : (data as Buffer).toString())
    })
    this.socket.on('error', () => {})
    // An error comes before the close, and is none of it.
    this.closed = new Promise(resolve => {
      this.socket.once('close', (code, reason) => resolve({ code, reason: String(reason) }))
    })
    void this.closed.then(closing => this.#inbox.close(closing))
  }

  /** Connects for as long as the test lasts. Compression is offered unless `options` say otherwise. */
  static async open(
    t: Lasting,
    url: string,
    options: ClientOptions = {},
    ...subprotocols: string[]
  ): Promise<WsClient> {
    const client = new WsClient(url, subprotocols, options)
    t.after(() => client.socket.terminate())
    await once(client.socket, 'open')
    return client
  }

  get protocol(): string {
    return this.socket.protocol
  }

  send(message: Message, options: { fin?: boolean } = {}): void {
    this.socket.send(message, options)
  }

  receive(): Promise<Message> {
    return this.#inbox.take()
  }

  close(code?: number, reason?: string): void {
    this.socket.close(code, reason)
  }
}

/** The WebSocket of browsers, as Node has it built in; it offers compression, and sends everything uncompressed. */
export class UndiciClient implements EchoClient {
  readonly #socket: UndiciWebSocket
  readonly closed: Promise<Closing>
  readonly #inbox = new Inbox()

  constructor(url: string, subprotocols: string[]) {
    this.#socket = new UndiciWebSocket(url, { protocols: subprotocols, dispatcher: new Agent({ connect: { ca: CA } }) })
    this.#socket.binaryType = 'arraybuffer'
    this.#socket.addEventListener('message', ({ data }) => {
      this.#inbox.put(typeof data === 'string' ? data : Buffer.from(data as ArrayBuffer))
    })
    this.closed = new Promise(resolve => {
      this.#socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason }))
    })
    void this.closed.then(closing => this.#inbox.close(closing))
  }

  static async open(t: Lasting, url: string, ...subprotocols: string[]): Promise<UndiciClient> {
    const client = new UndiciClient(url, subprotocols)
    t.after(() => client.close())
    await new Promise<void>((resolve, reject) => {
      client.#socket.addEventListener('open', () => resolve())
      client.#socket.addEventListener('error', event => reject(event.error))
    })
    return client
  }

  get extensions(): string {
    return this.#socket.extensions
  }

  get protocol(): string {
    return this.#socket.protocol
  }

  send(message: Message): void {
    this.#socket.send(message)
  }

  receive(): Promise<Message> {
    return this.#inbox.take()
  }

  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason)
  }
}
