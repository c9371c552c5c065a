// A server under test that does not exist: its loads have the answers that a test gives them.

import type { Subject, Variant } from '../../src/experiment.js'
import type { LoadRequest, LoadResult } from '../../src/load.js'
import type { AttackRequest, AttackResult } from '../../src/run-attack.js'

const NOTHING = { before: 0, after: 0 }

/** The answer of a load that has measured nothing. */
export const SILENT_RESULT: LoadResult = {
  ...{ messages: 0, seconds: 0, messagesPerSecond: 0, megabytesPerSecond: 0 },
  latency: { p50: 0, p99: 0, p999: 0, max: 0 },
  ...{ cpuPerMessage: 0, handshakesPerSecond: 0, handshakeCpu: 0 },
  ...{ compressedShare: 0, replyOctets: 0, requestOctets: 0 },
  ...{ resident: NOTHING, proportional: NOTHING },
}

const NO_ATTACK: AttackResult = { connections: 0, refused: 0, octets: 0, seconds: 1 }

export class FakeSubject implements Subject {
  readonly variant: Variant
  readonly pid = 1
  /** What was asked for, in order: loads, attacks and their ends. */
  readonly asked: (LoadRequest | AttackRequest | 'stop')[] = []
  readonly #answers: (Partial<LoadResult> | Error)[]
  readonly #attack: AttackResult

  /** @param answers of the loads, in order; behind the last one nothing is measured, an error is a load that fails */
  constructor(variant: Variant, answers: readonly (Partial<LoadResult> | Error)[] = [], attack = NO_ATTACK) {
    this.variant = variant
    this.#answers = [...answers]
    this.#attack = attack
  }

  async load(request: LoadRequest, onceOpen?: () => Promise<void>): Promise<LoadResult> {
    this.asked.push(request)
    await onceOpen?.()
    const answer = this.#answers.shift()
    if (answer instanceof Error) throw answer
    return { ...SILENT_RESULT, ...answer }
  }

  async attack(request: AttackRequest) {
    this.asked.push(request)
    return {
      stop: async () => {
        this.asked.push('stop')
        return this.#attack
      },
    }
  }
}
