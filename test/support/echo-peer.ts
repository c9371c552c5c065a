// A real WebSocket client (ws) that checks each echo octet by octet.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type ClientOptions, WebSocket } from 'ws'

interface Waiter {
  resolve(message: string): void
  reject(error: Error): void
}

export class EchoPeer {
  readonly socket: WebSocket
  /** Resolves with the close code once the connection is gone; 1006 if there was no Close. */
  readonly closed: Promise<number>
  /** Messages whose echo has come. */
  echoes = 0
  /** Messages that came while none was waited for. */
  strays = 0
  #waiter: Waiter | undefined

  private constructor(socket: WebSocket) {
    this.socket = socket
    this.closed = once(socket, 'close').then(([code]) => code)
    // When the handshake fails, `open` says so.
    this.closed.catch(() => {})
    socket.on('error', () => {})
    socket.on('message', data => {
      if (this.#waiter === undefined) this.strays++
      else this.#waiter.resolve(String(data))
    })
    socket.on('close', code => this.#waiter?.reject(new Error(`closed with ${code} before the echo`)))
  }

  /** Rejects when the handshake fails. Compression is offered only if `options` say so. */
  static async open(url: string, options: ClientOptions = {}): Promise<EchoPeer> {
    const socket = new WebSocket(url, { perMessageDeflate: false, ...options })
    const peer = new EchoPeer(socket)
    await once(socket, 'open')
    return peer
  }

  static openMany(url: string, count: number, options?: ClientOptions): Promise<EchoPeer[]> {
    return Promise.all(Array.from({ length: count }, () => EchoPeer.open(url, options)))
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN
  }

  /** Resolves when the echo of a message of its own has come; rejects when another message or the end comes instead. */
  async echo(): Promise<void> {
    const message = `message ${this.echoes} ${'.'.repeat(this.echoes % 200)}`
    if (!this.isOpen) throw new Error('the connection is not open')
    const answer = new Promise<string>((resolve, reject) => {
      this.#waiter = { resolve, reject }
    })
    this.socket.send(message)
    assert.equal(await answer, message)
    this.#waiter = undefined
    this.echoes++
  }

  /** Does the closing handshake; resolves with the code that came back. */
  close(): Promise<number> {
    this.socket.close(1000)
    return this.closed
  }
}

/** Echoes on every peer at once, again and again, until told to stop. */
export class EchoLoad {
  readonly #done: Promise<unknown>
  #stopped = false

  /** @param peers those that are to echo; one that loses its connection drops out if `mayClose`, else `stop` rejects */
  constructor(peers: readonly EchoPeer[], mayClose = false) {
    this.#done = Promise.all(peers.map(peer => this.#run(peer, mayClose)))
    // Whoever stops the load gets the failure; until then it must not count as unhandled.
    this.#done.catch(() => {})
  }

  /** Resolves when every peer has got the echo of its last message. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#done
  }

  async #run(peer: EchoPeer, mayClose: boolean): Promise<void> {
    while (!this.#stopped) {
      try {
        await peer.echo()
      } catch (error) {
        if (mayClose && !peer.isOpen) return
        throw error
      }
    }
  }
}
