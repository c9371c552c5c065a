// A stream of node:http2 without a session: the test says what comes, and when a write is done.

import { EventEmitter } from 'node:events'
import { Counters } from '../../src/metrics/counters.js'
import {
  type CarryingStream,
  Http2StreamTransport,
  type StreamOwner,
} from '../../src/transport/http2-stream-transport.js'
import { Traffic } from '../../src/worker/traffic.js'

type Written = (error?: Error | null) => void

export class FakeStream extends EventEmitter {
  /** What was called, with its arguments' gist. */
  readonly calls: string[] = []
  /** Octets that were written, and what tells that they are done; the oldest first. */
  readonly writes: { readonly octets: Buffer; readonly done: Written }[] = []
  headers: Record<string, unknown> | undefined
  destroyed = false
  closed = false
  readonly #unread: Buffer[] = []
  #flows = false

  pause(): this {
    this.calls.push('pause')
    this.#flows = false
    return this
  }

  resume(): this {
    this.calls.push('resume')
    this.#flows = true
    while (this.#flows && this.#unread.length > 0) this.emit('data', this.#unread.shift())
    return this
  }

  /** What Node has of the peer, as its streams do: kept unless somebody reads. */
  push(octets: Buffer | null): boolean {
    if (octets === null) this.emit('end')
    else if (this.#flows && this.#unread.length === 0) this.emit('data', octets)
    else this.#unread.push(octets)
    return this.#unread.length === 0
  }

  read(): Buffer | null {
    return this.#unread.length === 0 ? null : Buffer.concat(this.#unread.splice(0))
  }

  unshift(octets: Buffer): void {
    this.#unread.unshift(octets)
  }

  get readableLength(): number {
    return this.#unread.reduce((sum, { length }) => sum + length, 0)
  }

  write(octets: Buffer, done: Written): boolean {
    this.writes.push({ octets, done })
    return true
  }

  end(): this {
    this.calls.push('end')
    return this
  }

  close(code: number): void {
    this.calls.push(`close ${code}`)
    this.closed = true
  }

  destroy(): this {
    this.calls.push('destroy')
    this.destroyed = true
    return this
  }

  respond(headers: Record<string, unknown>): void {
    this.headers = headers
  }

  /** The oldest write is done. */
  take(): Buffer {
    const { octets, done } = this.writes.shift() ?? { octets: Buffer.alloc(0), done: () => {} }
    done()
    return octets
  }

  /** All writes are done, and those that come of it. */
  takeAll(): Buffer {
    const taken: Buffer[] = []
    while (this.writes.length > 0) taken.push(this.take())
    return Buffer.concat(taken)
  }
}

export class FakeOwner implements StreamOwner {
  readonly secure: boolean = false
  readonly tlsVersion = undefined
  readonly peer = '192.0.2.1:50000'
  received = 0
  sent = 0

  carriedReceived(size: number): void {
    this.received += size
  }

  carriedSent(size: number): void {
    this.sent += size
  }
}

/** A transport over a fake stream; `early` came before there was one. */
export function fakeStreamTransport(...early: readonly Buffer[]) {
  const stream = new FakeStream()
  for (const octets of early) stream.push(octets)
  const owner = new FakeOwner()
  const counters = new Counters()
  const transport = new Http2StreamTransport(stream as unknown as CarryingStream, owner, new Traffic(counters))
  return { stream, owner, counters, transport }
}
