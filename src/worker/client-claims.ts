// Openings that wait for the primary's word on the address that a proxy told of them. All of one turn are asked for together.

import type { Admission, AdmitClients, AdmittedClient, FoundClient } from '../messages.js'

export class ClientClaims {
  readonly #send: (message: AdmitClients) => void
  readonly #asking = new Map<number, (admission: Admission) => void>()
  /** Found in this turn. */
  #fresh: FoundClient[] = []
  #immediate: NodeJS.Immediate | undefined

  constructor(send: (message: AdmitClients) => void) {
    this.#send = send
  }

  ask(opening: number, address: string, told: (admission: Admission) => void): void {
    this.#asking.set(opening, told)
    this.#fresh.push({ opening, address })
    this.#immediate ??= setImmediate(() => this.#tell())
  }

  /** The opening is gone. What was asked is answered all the same, to nobody. */
  forget(opening: number): void {
    this.#asking.delete(opening)
  }

  /** The primary's word. Returns how many that still wait are refused. */
  answered(clients: readonly AdmittedClient[]): number {
    let refused = 0
    for (const { opening, admission } of clients) {
      const told = this.#asking.get(opening)
      if (told === undefined) continue
      this.#asking.delete(opening)
      if (admission !== 0) refused++
      told(admission)
    }
    return refused
  }

  /** Nothing is asked for those that are gone: they were told to have ended before. */
  #tell(): void {
    this.#immediate = undefined
    const clients = this.#fresh.filter(({ opening }) => this.#asking.has(opening))
    this.#fresh = []
    if (clients.length > 0) this.#send({ type: 'admit-clients', clients })
  }
}
