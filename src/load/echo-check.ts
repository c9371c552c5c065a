// Compares what comes back on one connection with what was sent, piece by piece, and says what each message was: an
// echo, or which kind of wrong.

import type { InFlight } from './in-flight.js'
import type { MessageSource } from './message-source.js'
import type { Fault } from './orders.js'

/** What a message that came back was; its times if it is an echo or a damaged one of a known message. */
export interface Verdict {
  fault: Fault | undefined
  /** Whether a message that was sent has come back unharmed for the first time. */
  echo: boolean
  due: number
  sent: number
}

/** Without a number in it, a message is compared with so many that may be meant beside the one expected. */
const NEIGHBOURS = 8

export class EchoCheck {
  readonly #source: MessageSource
  readonly #flight: InFlight
  readonly #connection: number
  /** The one that is given out, the same at each call. */
  readonly #verdict: Verdict = { fault: undefined, echo: false, due: 0, sent: 0 }
  /** Beginning of a message that comes in pieces, until it can be told which it is. */
  #head: Buffer | undefined
  /** Octets of the message so far. */
  #received = 0
  /** The message that this one is compared with; −1 while that is open, −2 if there is none. */
  #candidate = -1
  /** Whether the message said which one it is. */
  #named = false
  #intact = true

  constructor(source: MessageSource, flight: InFlight, connection: number) {
    this.#source = source
    this.#flight = flight
    this.#connection = connection
  }

  /**
   * A whole message.
   *
   * @param sameKind whether it came as text or binary as it was sent
   */
  whole(input: Buffer, offset: number, length: number, sameKind: boolean): Verdict {
    const flight = this.#flight
    const { first } = flight
    if (sameKind && flight.flying > 0 && this.#is(input, offset, length, first)) {
      const verdict = this.#give(undefined, true, flight.dueAt(first), flight.sentAt(first))
      flight.arriveFirst()
      return verdict
    }
    this.piece(input, offset, length)
    return this.end(sameKind)
  }

  /** The next octets of a message. */
  piece(input: Buffer, offset: number, length: number): void {
    if (this.#candidate !== -1) return this.#compare(input, offset, length)
    const { headLength } = this.#source
    if (this.#received === 0 && length >= headLength) {
      this.#choose(input, offset, length)
      return this.#compare(input, offset, length)
    }
    this.#head ??= Buffer.allocUnsafeSlow(headLength)
    const fits = Math.min(length, headLength - this.#received)
    input.copy(this.#head, this.#received, offset, offset + fits)
    this.#received += fits
    if (this.#received < headLength) return
    this.#compareHead()
    this.#compare(input, offset + fits, length - fits)
  }

  /** The message is complete. */
  end(sameKind: boolean): Verdict {
    if (this.#candidate === -1) this.#compareHead()
    const candidate = this.#candidate
    const intact =
      sameKind && this.#intact && candidate >= 0 && this.#received === this.#source.sizeOf(this.#connection, candidate)
    const named = this.#named
    this.#received = 0
    this.#candidate = -1
    this.#intact = true
    return intact ? this.#intactOne(candidate) : this.#damagedOne(named ? candidate : -1)
  }

  #compareHead(): void {
    const length = this.#received
    const head = this.#head ?? Buffer.alloc(0)
    this.#received = 0
    this.#choose(head, 0, length)
    this.#compare(head, 0, length)
  }

  #compare(input: Buffer, offset: number, length: number): void {
    const from = this.#received
    this.#received += length
    if (!this.#intact || this.#candidate < 0 || length === 0) return
    // Beyond its size a message is compared with what would follow; that it is too long shows at its end.
    this.#intact = this.#source.matches(input, offset, length, from, this.#connection, this.#candidate)
  }

  /** Decides which message it is, from its first octets. */
  #choose(head: Buffer, offset: number, length: number): void {
    const { headLength } = this.#source
    const place = length >= headLength ? this.#source.placeIn(head, offset, this.#connection) : -1
    this.#named = place >= 0
    this.#candidate = this.#named ? place : this.#guess(head, offset, length)
  }

  /** The expected message, unless one of its neighbours is just like this one. */
  #guess(head: Buffer, offset: number, length: number): number {
    const { first, flying, sent } = this.#flight
    if (length < this.#source.headLength) {
      const last = Math.min(sent - 1, first + NEIGHBOURS)
      for (let place = first; place <= last; place++) if (this.#is(head, offset, length, place)) return place
      if (first > 0 && this.#is(head, offset, length, first - 1)) return first - 1
    }
    return flying > 0 ? first : -2
  }

  #is(input: Buffer, offset: number, length: number, place: number): boolean {
    return (
      length === this.#source.sizeOf(this.#connection, place) &&
      this.#source.matches(input, offset, length, 0, this.#connection, place)
    )
  }

  #intactOne(place: number): Verdict {
    const flight = this.#flight
    if (flight.has(place)) {
      const { due, sent } = flight.arrive(place)
      return this.#give(undefined, true, due, sent)
    }
    const late = flight.arriveLate(place)
    // One that took too long is a fault already.
    if (late !== undefined) return this.#give(late.isCounted ? undefined : 'outOfOrder', true, late.due, late.sent)
    return this.#give(place < flight.first ? 'duplicated' : 'unasked', false)
  }

  /** @param place what it says it is; −1 if it says nothing that can be believed */
  #damagedOne(place: number): Verdict {
    const flight = this.#flight
    if (flight.has(place)) flight.arrive(place)
    else if (place < 0 || flight.arriveLate(place) === undefined) {
      if (place >= 0 && place < flight.first) return this.#give('corrupted', false)
      if (flight.flying === 0) return this.#give('unasked', false)
      flight.arriveFirst()
    }
    return this.#give('corrupted', false)
  }

  #give(fault: Fault | undefined, echo: boolean, due = 0, sent = 0): Verdict {
    const verdict = this.#verdict
    verdict.fault = fault
    verdict.echo = echo
    verdict.due = due
    verdict.sent = sent
    return verdict
  }
}
