// Connections on wires of their own for tests: nothing is sent anywhere, and the clock is the test's.

import { Connection, type Shared } from '../../../src/load/connection.js'
import type { DeflateAgreement } from '../../../src/load/deflate-agreement.js'
import { FrameWriter } from '../../../src/load/frame-writer.js'
import { MessageSource } from '../../../src/load/message-source.js'
import { type Orders, readOrders } from '../../../src/load/orders.js'
import { Sizes } from '../../../src/load/sizes.js'
import { Tally } from '../../../src/load/tally.js'
import type { Wire } from '../../../src/load/wire.js'
import type { Payload } from '../../../src/load-settings.js'
import { type ClientFrame, clientFrames } from './frames.js'

export class FakeWire implements Wire {
  pending = 0
  ended = false
  destroyed = false
  /** Octets of each write. */
  readonly writes: Buffer[] = []

  write(octets: Buffer): void {
    this.writes.push(Buffer.from(octets))
  }

  end(): void {
    this.ended = true
  }

  destroy(): void {
    this.destroyed = true
  }

  /** Takes the frames that were written. */
  take(): ClientFrame[] {
    return clientFrames(Buffer.concat(this.writes.splice(0)))
  }
}

export interface StageOptions {
  readonly size?: number
  readonly payload?: Payload
  readonly fragment?: number
  readonly timeout?: number
  /** Query of the URL. */
  readonly orders?: string
  readonly deflate?: DeflateAgreement
}

export class Stage {
  /** Milliseconds. */
  time = 0
  readonly tally = new Tally()
  readonly source: MessageSource
  readonly orders: Orders
  readonly shared: Shared
  readonly opened: Connection[] = []
  readonly ended: Connection[] = []
  /** Told of room by connections. */
  onRoom: (connection: Connection, count: number) => void = () => {}
  readonly #options: StageOptions
  #ids = 0

  constructor(options: StageOptions = {}) {
    const { size = 64, payload = 'random', fragment = 0, timeout = 5000, orders = '' } = options
    this.#options = options
    this.source = new MessageSource(payload, new Sizes([{ least: size, most: size, weight: 1 }]))
    this.orders = readOrders(new URL(`ws://host/?${orders}`))
    this.shared = {
      ...{ source: this.source, writer: new FrameWriter(), tally: this.tally, largest: size, fragment, timeout },
      keepsBooks: true,
      now: () => this.time,
      onRoom: (connection, count) => this.onRoom(connection, count),
      onRead: () => {},
      onOpened: connection => this.opened.push(connection),
      onEnded: connection => this.ended.push(connection),
    }
  }

  /** A connection that is connecting. */
  connect(): { connection: Connection; wire: FakeWire } {
    const wire = new FakeWire()
    const connection = new Connection(this.shared, this.#ids++, `key ${this.#ids}`, this.orders)
    connection.attach(wire)
    return { connection, wire }
  }

  /** A connection that is open. */
  open(): { connection: Connection; wire: FakeWire } {
    const { connection, wire } = this.connect()
    const { deflate } = this.#options
    connection.onUpgraded({ subprotocol: undefined, deflate }, { sent: 100, received: 50 })
    return { connection, wire }
  }

  /** Sends so many messages now, and gives what was written. */
  send({ connection, wire }: { connection: Connection; wire: FakeWire }, count = 1): ClientFrame[] {
    for (let i = 0; i < count; i++) connection.add(this.time)
    connection.send(this.time)
    return wire.take()
  }

  get faults(): Record<string, number> {
    return nonZero(this.tally.counts.faults)
  }

  get ordered(): Record<string, number> {
    return nonZero(this.tally.counts.ordered)
  }
}

export function nonZero(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0))
}

/** Hands octets to a connection as one chunk. */
export function receive(connection: Connection, ...frames: readonly Buffer[]): void {
  const octets = Buffer.concat(frames)
  connection.onChunk(octets, octets.length)
}
