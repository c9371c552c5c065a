// Decides which connections are admitted under max-connections and max-connections-per-ip, and counts them.

import type { Admission } from '../messages.js'
import type { Settings } from '../settings.js'

export type Limits = Pick<Settings, 'maxConnections' | 'maxConnectionsPerIp'>

const MAPPED_IPV4 = /^::ffff:(?=\d+\.)/i

/** Counts admitted connections, by address only when there is a limit by address. */
export class AdmissionControl {
  readonly #limits: Limits
  readonly #perAddress = new Map<string, number>()
  #total = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** Whether `admit` and `release` look at the address; finding it out costs a system call. */
  get needsAddress(): boolean {
    return this.#limits.maxConnectionsPerIp > 0
  }

  /**
   * Counts a new connection and returns 0, or returns the HTTP status that refuses it and counts nothing.
   *
   * @param address undefined where it is not known yet, see `admitAddress`
   */
  admit(address: string | undefined): Admission {
    const { maxConnections } = this.#limits
    if (maxConnections > 0 && this.#total >= maxConnections) return 503
    const admission = address === undefined ? 0 : this.admitAddress(address)
    if (admission === 0) this.#total++
    return admission
  }

  /** Counts an admitted connection by its address too and returns 0, or returns the status that refuses it. */
  admitAddress(address: string): Admission {
    if (!this.needsAddress) return 0
    const key = canonicalAddress(address)
    const count = this.#perAddress.get(key) ?? 0
    if (count >= this.#limits.maxConnectionsPerIp) return 429
    this.#perAddress.set(key, count + 1)
    return 0
  }

  /** Takes back what was counted for one connection that is admitted; `address` if it was counted by that. */
  release(address: string | undefined): void {
    this.#total--
    if (!this.needsAddress || address === undefined) return
    const key = canonicalAddress(address)
    const count = this.#perAddress.get(key) ?? 0
    if (count > 1) this.#perAddress.set(key, count - 1)
    else this.#perAddress.delete(key)
  }
}

/** One spelling for one peer: a dual-stack socket shows IPv4 peers as `::ffff:192.0.2.1` (RFC 4291 section 2.5.5.2). */
function canonicalAddress(address: string): string {
  return address.replace(MAPPED_IPV4, '')
}
