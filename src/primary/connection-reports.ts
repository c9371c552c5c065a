// What all workers together know of connections: those that live are asked, those that have left told before.

import type { ConnectionFound, ConnectionList } from '../admin/view.js'
import type { ConnectionAnswer, Connections } from '../messages.js'
import { type ConnectionFilter, select } from '../report/filter.js'
import type { ConnectionReport, ConnectionSummary } from '../report/report.js'
import { DepartedReports } from './departed-reports.js'
import { Gathering } from './gathering.js'

/** Milliseconds after which an answer is made of what has come. */
const ANSWER_TIMEOUT = 500

/** The part of a worker process that is needed here. */
export interface ReportingWorker {
  /** 1…N. */
  readonly number: number
  listConnections(question: number, filter: ConnectionFilter): void
  tellConnection(question: number, id: number): void
}

export class ConnectionReports<Worker extends ReportingWorker> {
  readonly #gathering: Gathering<Worker, Connections | ConnectionAnswer>
  readonly #departed: DepartedReports

  /**
   * @param workers those that may know connections, and whether an answer can be expected of them
   * @param mostKept reports of departed workers that are kept
   */
  constructor(workers: () => Iterable<Worker>, isResponsive: (worker: Worker) => boolean, mostKept: number) {
    this.#gathering = new Gathering(workers, isResponsive, ANSWER_TIMEOUT)
    this.#departed = new DepartedReports(mostKept)
  }

  /** The newest connections that match, newest first; without those of workers that do not answer, whom it names. */
  async list(filter: ConnectionFilter): Promise<ConnectionList> {
    const { answers, silent } = await this.#gathering.ask((worker, question) =>
      worker.listConnections(question, filter),
    )
    const told = answers.flatMap(answer => (answer.type === 'connections' ? answer.connections : []))
    const departed = [...this.#departed.all()].map(summaryOf)
    return { connections: select([...told, ...departed], filter), unasked: numbersOf(silent) }
  }

  /** One connection's report, if any worker knows it. */
  async find(id: number): Promise<ConnectionFound> {
    const departed = this.#departed.get(id)
    if (departed !== undefined) return { report: departed, unasked: [] }
    const { answers, silent } = await this.#gathering.ask((worker, question) => worker.tellConnection(question, id))
    for (const answer of answers)
      if (answer.type === 'connection' && answer.report !== null) return { report: answer.report, unasked: [] }
    return { report: undefined, unasked: numbersOf(silent) }
  }

  answered(worker: Worker, answer: Connections | ConnectionAnswer): void {
    this.#gathering.answered(worker, answer.question, answer)
  }

  /** The worker is dead: nobody waits for it any more. */
  gone(worker: Worker): void {
    this.#gathering.gone(worker)
  }

  /** Takes a part of what a leaving worker knew, newest first. */
  keep(worker: Worker, reports: readonly ConnectionReport[]): void {
    this.#departed.keep(worker, reports)
  }
}

/** Numbers in ascending order; during a reload two processes have the same one. */
function numbersOf(workers: readonly ReportingWorker[]): number[] {
  return [...new Set(workers.map(worker => worker.number))].sort((a, b) => a - b)
}

function summaryOf(report: ConnectionReport): ConnectionSummary {
  const { id, worker, state, openedAt, duration, key, userAgent, clean, error } = report
  return { id, worker, state, openedAt, duration, key, userAgent, clean, error }
}
