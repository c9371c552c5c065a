// Asks the workers for connection reports, and keeps those of workers that have left.

import type { ConnectionAnswer, Connections } from '../messages.js'
import { type ConnectionFilter, select } from '../report/filter.js'
import type { ConnectionReport, ConnectionSummary } from '../report/report.js'

/** Milliseconds after which an answer is made of what has come. */
const ANSWER_TIMEOUT = 500

export interface Witness {
  listConnections(question: number, filter: ConnectionFilter): void
  tellConnection(question: number, id: number): void
}

type Answer = Connections | ConnectionAnswer

interface Question {
  readonly pending: Set<Witness>
  readonly answers: Answer[]
  readonly finish: () => void
}

export class Questions {
  readonly #witnesses: () => Iterable<Witness>
  readonly #mostKept: number
  readonly #open = new Map<number, Question>()
  /** Reports from workers that have left, oldest first. */
  readonly #kept = new Map<number, ConnectionReport>()
  #last = 0

  /**
   * @param witnesses workers that can be expected to answer
   * @param mostKept reports of departed workers that are kept
   */
  constructor(witnesses: () => Iterable<Witness>, mostKept: number) {
    this.#witnesses = witnesses
    this.#mostKept = mostKept
  }

  /** The newest connections that match, newest first; without those of a worker that does not answer in time. */
  async list(filter: ConnectionFilter): Promise<ConnectionSummary[]> {
    const answers = await this.#ask((witness, question) => witness.listConnections(question, filter))
    const told = answers.flatMap(answer => (answer.type === 'connections' ? answer.connections : []))
    return select([...told, ...[...this.#kept.values()].map(summaryOf)], filter)
  }

  /** One connection's report, if any worker knows it. */
  async tell(id: number): Promise<ConnectionReport | undefined> {
    const kept = this.#kept.get(id)
    if (kept !== undefined) return kept
    const answers = await this.#ask((witness, question) => witness.tellConnection(question, id))
    for (const answer of answers) if (answer.type === 'connection' && answer.report !== null) return answer.report
    return undefined
  }

  answered(witness: Witness, answer: Answer): void {
    const question = this.#open.get(answer.question)
    if (question === undefined) return
    question.answers.push(answer)
    this.#settle(question, witness)
  }

  /** The worker is dead; nobody waits for it any more. */
  gone(witness: Witness): void {
    for (const question of this.#open.values()) this.#settle(question, witness)
  }

  /** Takes what a leaving worker knew. */
  keep(reports: readonly ConnectionReport[]): void {
    for (const report of reports) this.#kept.set(report.id, report)
    for (const id of this.#kept.keys()) {
      if (this.#kept.size <= this.#mostKept) return
      this.#kept.delete(id)
    }
  }

  async #ask(put: (witness: Witness, question: number) => void): Promise<Answer[]> {
    const pending = new Set(this.#witnesses())
    if (pending.size === 0) return []
    const number = ++this.#last
    const answers: Answer[] = []
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, ANSWER_TIMEOUT)
      const finish = (): void => {
        clearTimeout(timer)
        resolve()
      }
      this.#open.set(number, { pending, answers, finish })
      for (const witness of pending) put(witness, number)
    })
    this.#open.delete(number)
    return answers
  }

  #settle({ pending, finish }: Question, witness: Witness): void {
    if (pending.delete(witness) && pending.size === 0) finish()
  }
}

function summaryOf(report: ConnectionReport): ConnectionSummary {
  const { id, worker, state, openedAt, duration, key, userAgent, clean, error } = report
  return { id, worker, state, openedAt, duration, key, userAgent, clean, error }
}
