// A WebSocket of the playground: sends messages, and holds what comes back against them.

import { Expected, type Match } from './payloads.js'

export interface SentMessage {
  readonly number: number
  readonly isText: boolean
  readonly octets: Uint8Array<ArrayBuffer>
}

export interface ReceivedMessage {
  readonly isText: boolean
  readonly octets: Uint8Array
  readonly match: Match
  /** Milliseconds since the message that it is the echo of was sent; undefined for none. */
  readonly roundTrip: number | undefined
}

export interface EchoEvents {
  opened(socket: WebSocket, milliseconds: number): void
  sent(message: SentMessage): void
  received(message: ReceivedMessage): void
  closed(event: CloseEvent, wasOpen: boolean): void
}

export class EchoClient {
  readonly #socket: WebSocket
  readonly #events: EchoEvents
  readonly #expected = new Expected()
  #number = 0
  #dropped = false

  /** Throws where the address, or a subprotocol, is none. */
  constructor(url: URL, protocols: string[], events: EchoEvents) {
    this.#events = events
    const socket = new WebSocket(url, protocols)
    const begun = performance.now()
    let wasOpen = false
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => {
      wasOpen = true
      if (!this.#dropped) events.opened(socket, performance.now() - begun)
    }
    socket.onmessage = ({ data }) => this.#onMessage(data)
    socket.onclose = event => {
      if (!this.#dropped) events.closed(event, wasOpen)
    }
    this.#socket = socket
  }

  get unanswered(): number {
    return this.#expected.count
  }

  /** @param octets of UTF-8, for a text */
  send(octets: Uint8Array<ArrayBuffer>, isText: boolean): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return
    const data = isText ? new TextDecoder().decode(octets) : octets
    const number = ++this.#number
    this.#expected.add({ number, isText, octets, sentAt: performance.now() })
    this.#socket.send(data)
    this.#events.sent({ number, isText, octets })
  }

  close(): void {
    this.#socket.close(1000)
  }

  /** Closes it and tells nothing more of it. */
  drop(): void {
    this.#dropped = true
    this.#socket.close()
    this.#expected.clear()
  }

  #onMessage(data: string | ArrayBuffer): void {
    const now = performance.now()
    if (this.#dropped) return
    const isText = typeof data === 'string'
    const octets = isText ? new TextEncoder().encode(data) : new Uint8Array(data)
    const match = this.#expected.take(isText, octets)
    const roundTrip = match.kind === 'unasked' ? undefined : now - match.of.sentAt
    this.#events.received({ isText, octets, match, roundTrip })
  }
}
