// What one thread has seen so far: counts, times, and the slowest messages.

import { BINARY, OPCODE_INDEX } from '../protocol/opcodes.js'
import { makeRecorders } from './latencies.js'
import { FAULTS, type Fault, type Orders } from './orders.js'
import { FRAMES, MESSAGE_OCTETS, MESSAGES, makeTraffic, PAYLOAD, WIRE } from './traffic.js'

/** Slow messages that are told of one by one. */
const SLOWEST = 10
/** Connections whose books are kept for a comparison with the service's reports. */
const MOST_BOOKS = 10_000

/** A message, with times in milliseconds since the Unix epoch. */
export interface SlowMessage {
  /** Sec-WebSocket-Key of its connection; empty over HTTP/2. */
  readonly key: string
  readonly due: number
  readonly sent: number
  readonly back: number
}

/** Counts that another thread, or another machine's, are simply added to. */
export interface Counts {
  readonly messages: { due: number; sent: number; echoed: number }
  readonly pings: { sent: number; answered: number }
  readonly connections: { attempted: number; opened: number; ended: number }
  readonly faults: Record<Fault, number>
  /** Faults that the URL had ordered. */
  readonly ordered: Record<Fault, number>
  /** Handshakes that failed, by status, error code or violation. */
  readonly handshakes: Record<string, number>
  /** Closing handshakes by code and who began: `1000 client`. 1006 is an end without a Close. */
  readonly closes: Record<string, number>
  readonly violations: Record<string, number>
}

export function makeCounts(): Counts {
  return {
    messages: { due: 0, sent: 0, echoed: 0 },
    pings: { sent: 0, answered: 0 },
    connections: { attempted: 0, opened: 0, ended: 0 },
    faults: noFaults(),
    ordered: noFaults(),
    handshakes: {},
    closes: {},
    violations: {},
  }
}

function noFaults(): Record<Fault, number> {
  return Object.fromEntries(FAULTS.map(fault => [fault, 0])) as Record<Fault, number>
}

export class Tally {
  readonly counts = makeCounts()
  readonly traffic = makeTraffic()
  readonly latencies = makeRecorders()
  #slowest: SlowMessage[] = []
  /** Books of ended connections by Sec-WebSocket-Key. */
  readonly books = new Map<string, Float64Array>()
  #slowestLeast = 0

  fault(kind: Fault, orders: Orders, count = 1): void {
    const counts = orders.excused.has(kind) ? this.counts.ordered : this.counts.faults
    counts[kind] += count
  }

  /** A message is back, unharmed. Times in milliseconds of this thread's clock. */
  echoed(due: number, sent: number, back: number, key: string): void {
    this.counts.messages.echoed++
    this.latencies.echo.record(back - due)
    if (back - due > this.#slowestLeast) this.#addSlow(due, sent, back, key)
  }

  /** The slowest messages, slowest first. */
  slowest(): SlowMessage[] {
    return slowestOf(this.#slowest)
  }

  keepBooks(key: string, books: Float64Array): void {
    if (this.books.size < MOST_BOOKS) this.books.set(key, books)
  }

  #addSlow(due: number, sent: number, back: number, key: string): void {
    const epoch = performance.timeOrigin
    this.#slowest.push({ key, due: due + epoch, sent: sent + epoch, back: back + epoch })
    if (this.#slowest.length < 2 * SLOWEST) return
    this.#slowest = slowestOf(this.#slowest)
    const least = this.#slowest[SLOWEST - 1]
    this.#slowestLeast = least.back - least.due
  }
}

/** The few slowest of many, slowest first. */
export function slowestOf(messages: readonly SlowMessage[]): SlowMessage[] {
  return [...messages].sort((a, b) => b.back - b.due - (a.back - a.due)).slice(0, SLOWEST)
}

/** Adds one to what is counted under a name. */
export function countUnder(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1
}

/** @param direction SENT or RECEIVED @param payload octets on the wire */
export function countFrame(traffic: Float64Array, direction: number, opcode: number, payload: number): void {
  const index = OPCODE_INDEX[opcode]
  traffic[direction + FRAMES + index]++
  traffic[direction + PAYLOAD + index] += payload
}

export function countMessage(traffic: Float64Array, direction: number, opcode: number, octets: number): void {
  const kind = opcode === BINARY ? 1 : 0
  traffic[direction + MESSAGES + kind]++
  traffic[direction + MESSAGE_OCTETS + kind] += octets
}

export function countWire(traffic: Float64Array, direction: number, octets: number): void {
  traffic[direction + WIRE] += octets
}
