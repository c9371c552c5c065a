// The messages of one connection that are due or sent and not back yet, in order: numbers count up from 0, and nothing
// but two times is kept of each.

const FIRST_CAPACITY = 4

export interface Missing extends Times {
  /** It took too long, and is counted as a fault already. */
  isCounted: boolean
}

export interface Times {
  /** Milliseconds at which the message was due, and at which it was handed to the socket. */
  readonly due: number
  readonly sent: number
}

export class InFlight {
  /** The oldest message that is not back. */
  first = 0
  /** The next one to be sent. */
  sent = 0
  /** The next one to become due. */
  due = 0
  /** Messages that were passed over by later ones: lost, or still to come. */
  #missing: Map<number, Missing> | undefined
  #counted = 0
  /** Of each message from `first` to `due`, when it was due and when it was sent. The length is a power of 2. */
  #times = new Float64Array(2 * FIRST_CAPACITY)

  get waiting(): number {
    return this.due - this.sent
  }

  get flying(): number {
    return this.sent - this.first
  }

  /** Those missing that are not counted as faults yet. */
  get missing(): number {
    return (this.#missing?.size ?? 0) - this.#counted
  }

  /** One more message is due. */
  add(time: number): void {
    if (2 * (this.due - this.first) === this.#times.length) this.#grow()
    this.#times[this.#at(this.due++)] = time
  }

  /** The next message is handed to the socket. */
  send(time: number): void {
    this.#times[this.#at(this.sent++) + 1] = time
  }

  dueAt(place: number): number {
    return this.#times[this.#at(place)]
  }

  sentAt(place: number): number {
    return this.#times[this.#at(place) + 1]
  }

  /** Whether the message is under way: sent, and neither back nor passed over. */
  has(place: number): boolean {
    return place >= this.first && place < this.sent
  }

  /** The message is back; those before it are missing. */
  arrive(place: number): Times {
    while (this.first < place) this.#miss(false)
    const times = { due: this.dueAt(place), sent: this.sentAt(place) }
    this.first = place + 1
    return times
  }

  /** As `arrive` for the oldest message, without a new object; its times are to be asked for before. */
  arriveFirst(): void {
    this.first++
  }

  /** The oldest message took too long, and is counted as a fault. */
  timeOut(): void {
    this.#counted++
    this.#miss(true)
  }

  /** Messages that were passed over and had been sent before `then`: from now on they are counted as faults. */
  loseBefore(then: number): number {
    let lost = 0
    for (const missing of this.#missing?.values() ?? []) {
      if (missing.sent >= then) break
      if (missing.isCounted) continue
      missing.isCounted = true
      lost++
    }
    this.#counted += lost
    return lost
  }

  /** Takes a message that was missing and came after all. */
  arriveLate(place: number): Missing | undefined {
    const missing = this.#missing?.get(place)
    if (missing?.isCounted) this.#counted--
    this.#missing?.delete(place)
    return missing
  }

  #miss(isCounted: boolean): void {
    this.#missing ??= new Map()
    this.#missing.set(this.first, { due: this.dueAt(this.first), sent: this.sentAt(this.first), isCounted })
    this.first++
  }

  #at(place: number): number {
    return (2 * place) & (this.#times.length - 1)
  }

  #grow(): void {
    const larger = new Float64Array(this.#times.length * 2)
    for (let place = this.first; place < this.due; place++) {
      const to = (2 * place) & (larger.length - 1)
      larger[to] = this.dueAt(place)
      larger[to + 1] = this.sentAt(place)
    }
    this.#times = larger
  }
}
