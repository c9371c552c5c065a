// The line on a terminal that is written over again and again while a load runs.

import type { LoadSettings } from '../load-settings.js'
import type { LiveState } from './conductor.js'
import { percentile } from './latencies.js'
import { faultsOf } from './outcome.js'
import { amount, time } from './words.js'

const BAR = 20
/** The cursor to the line's beginning, and what stands there is deleted. */
const ERASE = '\r\u001b[K'

const PHASES = {
  opening: 'opening connections',
  running: '',
  draining: 'waiting for the last echoes',
  closing: 'closing connections',
} as const

export class LiveLine {
  readonly #settings: LoadSettings
  readonly #terminal: NodeJS.WriteStream
  #echoed = 0
  #time = 0
  #rate = 0

  constructor(settings: LoadSettings, terminal: NodeJS.WriteStream) {
    this.#settings = settings
    this.#terminal = terminal
  }

  show(state: LiveState): void {
    const width = (this.#terminal.columns ?? 100) - 1
    this.#terminal.write(ERASE + this.text(state, Date.now()).slice(0, width))
  }

  clear(): void {
    this.#terminal.write(ERASE)
  }

  /** @param now milliseconds since the Unix epoch */
  text(state: LiveState, now: number): string {
    this.#measure(state.counts.messages.echoed, now)
    const errors = faultsOf(state.counts)
    const { lastSecond } = state
    return [
      state.phase === 'running' ? this.#bar(state, now) : PHASES[state.phase],
      `${amount(Math.round(this.#rate))}/s`,
      `in flight ${amount(state.flying)}`,
      lastSecond !== undefined && `p50 ${time(percentile(lastSecond, 50))} p99 ${time(percentile(lastSecond, 99))}`,
      `errors ${amount(errors)}`,
      `connections ${amount(state.open)}`,
    ]
      .filter(part => part !== false)
      .join(' · ')
  }

  /** Over a second or so, since threads tell what they did a few times a second. */
  #measure(echoed: number, now: number): void {
    if (now - this.#time < 900) return
    if (this.#time > 0) this.#rate = ((echoed - this.#echoed) * 1000) / (now - this.#time)
    this.#time = now
    this.#echoed = echoed
  }

  #bar({ startedAt, counts }: LiveState, now: number): string {
    const { duration, messages } = this.#settings
    const elapsed = Math.max(0, now - startedAt)
    const done = Math.min(1, Math.max(elapsed / duration, counts.messages.due / messages))
    const left = done > 0 ? (elapsed / done) * (1 - done) : duration
    const filled = Math.floor(done * BAR)
    return `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${Math.ceil(left / 1000)} s left`
  }
}
