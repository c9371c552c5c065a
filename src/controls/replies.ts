// What a connection with controls has yet to send: replies and messages of the server's own, each with its time, in order.
//
// Whatever chance decides, it draws once for each message, whether it strikes or not: so the third message of two
// connections with one seed has the same fate, however long their messages are.

import type { ControlName } from '../control-names.js'
import { corrupted, type Message, replyTo, textMessage } from './alter.js'
import type { Book } from './book.js'
import type { Dice, Draw } from './dice.js'
import type { Plan } from './plans.js'
import type { Controls } from './schema.js'

/** Milliseconds that a message waits for another one to change places with. */
const SWAP_WAIT = 1000

/** Octets that a waiting message costs besides its payload, about: without them empty messages would cost nothing. */
const OVERHEAD = 128

/** Something to be done in the order of the queue: a message to be sent, or a plan whose moment is behind the ones before. */
export interface Reply {
  readonly message: Message | undefined
  readonly plan: Plan | undefined
  /** Monotonic milliseconds. */
  readonly due: number
  /** When the message that it answers came whole; undefined for the server's own. */
  readonly receivedAt: number | undefined
}

const CHANCES = ['drop', 'duplicate', 'corrupt', 'swap'] as const

type Chance = (typeof CHANCES)[number]

export class Replies {
  readonly #controls: Controls
  readonly #book: Book
  readonly #describe: () => string
  readonly #draws: Readonly<Record<Chance, Draw>>
  readonly #drawJitter: Draw
  readonly #drawPlace: Draw
  readonly #queue: Reply[] = []
  /** Waits for the next reply, to go behind it. */
  #swapped: Reply | undefined
  #received = 0
  #pushed = 0
  /** Octets of all that waits, about. */
  held = 0

  /** @param describe JSON about the connection */
  constructor(controls: Controls, dice: Dice, book: Book, describe: () => string) {
    this.#controls = controls
    this.#book = book
    this.#describe = describe
    this.#draws = {
      drop: dice.sequence('drop'),
      duplicate: dice.sequence('duplicate'),
      corrupt: dice.sequence('corrupt'),
      swap: dice.sequence('swap'),
    }
    this.#drawJitter = dice.sequence('jitter')
    this.#drawPlace = dice.sequence('corrupt-place')
  }

  get empty(): boolean {
    return this.#queue.length === 0 && this.#swapped === undefined
  }

  /** When there is something to do again; undefined when nothing waits. */
  get wakeAt(): number | undefined {
    return this.#queue[0]?.due ?? this.#swapped?.due
  }

  /** A message was received. */
  receive(message: Message, now: number): void {
    const number = ++this.#received
    const strikes = this.#strikes()
    const jitter = (this.#controls.jitter ?? 0) * this.#drawJitter()
    const answer = replyTo(message, this.#controls.reply, number, this.#describe)
    if (this.#controls.reply !== undefined) this.#book.did('reply', `${this.#controls.reply} for message ${number}`)
    if (answer === undefined) return
    if (strikes.drop) return this.#book.did('drop', `message ${number}`)
    const sent = strikes.corrupt ? this.#corrupt(answer, number) : answer
    const reply = { message: sent, plan: undefined, due: this.#dueFor(number, jitter, now), receivedAt: now }
    if (strikes.swap && this.#swapped === undefined) this.#swap(reply, number, now)
    else this.#add(reply)
    if (!strikes.duplicate) return
    this.#book.did('duplicate', `message ${number}`)
    this.#add(reply)
  }

  /** A message of the server's own, numbered, of `push-size` octets or as long as its number is. */
  push(now: number): void {
    const number = String(++this.#pushed)
    this.#book.did('push', `message ${number} of the server's own`)
    this.ownMessage(textMessage(`${number} `.padEnd(this.#controls['push-size'] ?? 0, '.').trimEnd()), now)
  }

  /** A message that answers none, behind all that waits; no chance strikes it. */
  ownMessage(message: Message, now: number): void {
    this.#add({ message, plan: undefined, due: now, receivedAt: undefined })
  }

  /** `plan` is due behind all that is in the queue. */
  planned(plan: Plan, now: number): void {
    this.#releaseSwapped()
    this.#add({ message: undefined, plan, due: now, receivedAt: undefined })
  }

  /** Takes the next of what is due at `now`. */
  next(now: number): Reply | undefined {
    if (this.#swapped !== undefined && this.#queue.length === 0 && this.#swapped.due <= now) this.#releaseSwapped()
    if (this.#queue.length === 0 || this.#queue[0].due > now) return undefined
    const reply = this.#queue.shift() as Reply
    this.held -= octetsOf(reply)
    return reply
  }

  clear(): void {
    this.#queue.length = 0
    this.#swapped = undefined
    this.held = 0
  }

  #strikes(): Readonly<Record<Chance, boolean>> {
    const strikes = { drop: false, duplicate: false, corrupt: false, swap: false }
    for (const chance of CHANCES) {
      const share = this.#controls[chance]
      if (share !== undefined) strikes[chance] = this.#draws[chance]() < share
    }
    return strikes
  }

  #corrupt(message: Message, number: number): Message {
    const changed = corrupted(message, this.#drawPlace)
    if (changed === undefined) return message
    this.#book.did('corrupt', `message ${number}`)
    return changed
  }

  /** What was received earlier goes first all the same, since the queue keeps its order. */
  #dueFor(number: number, jitter: number, now: number): number {
    const { delay = 0 } = this.#controls
    if (delay > 0) this.#note('delay', number, delay)
    if (jitter > 0) this.#note('jitter', number, jitter)
    return now + delay + jitter
  }

  #note(control: ControlName, number: number, milliseconds: number): void {
    this.#book.did(control, `message ${number} by ${Math.round(milliseconds)} ms`)
  }

  #swap(reply: Reply, number: number, now: number): void {
    this.#book.did('swap', `message ${number} with the next`)
    this.#swapped = { ...reply, due: Math.max(reply.due, now + SWAP_WAIT) }
    this.held += octetsOf(reply)
  }

  #add(reply: Reply): void {
    this.#queue.push(reply)
    this.held += octetsOf(reply)
    this.#releaseSwapped()
  }

  #releaseSwapped(): void {
    const swapped = this.#swapped
    if (swapped === undefined) return
    this.#swapped = undefined
    this.#queue.push({ ...swapped, due: this.#queue.at(-1)?.due ?? swapped.due })
  }
}

function octetsOf({ message }: Reply): number {
  return OVERHEAD + (message === undefined ? 0 : message.payload.length + (message.deflated?.length ?? 0))
}
