// What all workers together know of connections: those that live are asked, those that have left told before.

import type { ConnectionFound, ConnectionList } from '../admin/view.js'
import type { ConnectionAnswer, Connections, Left } from '../messages.js'
import { entryOf } from '../report/entry.js'
import type { ConnectionFilter } from '../report/filter.js'
import { Order } from '../report/order.js'
import { pickPage } from '../report/page.js'
import type { ConnectionReport, ConnectionSummary, RefusalReport, ReportCounts } from '../report/report.js'
import { DepartedReports } from './departed-reports.js'
import { Gathering } from './gathering.js'

/** Milliseconds after which an answer is made of what has come. */
const ANSWER_TIMEOUT = 500

/** The part of a worker process that is needed here. */
export interface ReportingWorker {
  /** 1…N. */
  readonly number: number
  listConnections(question: number, filter: ConnectionFilter, asOf: number): void
  tellConnection(question: number, id: number): void
}

interface WorkerList {
  readonly connections: readonly ConnectionSummary[]
  readonly counts: ReportCounts
}

export class ConnectionReports<Worker extends ReportingWorker> {
  readonly #lists: Gathering<Worker, WorkerList>
  readonly #tellings: Gathering<Worker, ConnectionAnswer>
  /** Parts so far of answers that are not whole, by question. */
  readonly #parts = new WeakMap<Worker, Map<number, ConnectionSummary[]>>()
  readonly #departed: DepartedReports

  /**
   * @param workers those that may know connections, and whether an answer can be expected of them
   * @param mostKept reports of departed workers that are kept
   */
  constructor(
    workers: () => Iterable<Worker>,
    isResponsive: (worker: Worker) => boolean,
    mostKept: { readonly reports: number; readonly reportsFailed: number },
  ) {
    this.#lists = new Gathering(workers, isResponsive, ANSWER_TIMEOUT)
    this.#tellings = new Gathering(workers, isResponsive, ANSWER_TIMEOUT)
    this.#departed = new DepartedReports(mostKept)
  }

  /** One page of the connections that match, in order; without those of workers that do not answer, whom it names. */
  async list(filter: ConnectionFilter): Promise<ConnectionList> {
    const asOf = Date.now()
    const { answers, silent } = await this.#lists.ask((worker, question) =>
      worker.listConnections(question, filter, asOf),
    )
    const order = new Order(filter.sort, filter.after, asOf)
    const departed = await pickPage([...this.#departed.all()].map(entryOf), filter, order, nextTurn)
    const entries = [...answers.flatMap(({ connections }) => connections.map(entryOf)), ...departed]
    entries.sort((a, b) => order.compare(a, b))
    const page = entries.slice(0, filter.limit)
    return {
      connections: page.map(({ line }) => line),
      end: entries.length > page.length ? order.positionOf(page[page.length - 1]) : undefined,
      unasked: numbersOf(silent),
      ...sum([...answers.map(({ counts }) => counts), this.#departed.counts]),
    }
  }

  /** One connection's report, if any worker knows it. */
  async find(id: number): Promise<ConnectionFound> {
    const departed = this.#departed.get(id)
    if (departed !== undefined) return { report: departed, unasked: [] }
    const { answers, silent } = await this.#tellings.ask((worker, question) => worker.tellConnection(question, id))
    const found = answers.find(({ report }) => report !== null)?.report
    return found ? { report: found, unasked: [] } : { report: undefined, unasked: numbersOf(silent) }
  }

  answered(worker: Worker, answer: Connections | ConnectionAnswer): void {
    if (answer.type === 'connection') this.#tellings.answered(worker, answer.question, answer)
    else this.#listed(worker, answer)
  }

  /** The worker is dead: nobody waits for it any more. */
  gone(worker: Worker): void {
    this.#lists.gone(worker)
    this.#tellings.gone(worker)
  }

  /** The worker leaves, and its reports follow. */
  leaves({ evicted }: Left): void {
    this.#departed.dropped(evicted)
  }

  /** Takes a part of what a leaving worker knew, of each kind newest first. */
  keep(worker: Worker, reports: readonly (ConnectionReport | RefusalReport)[]): void {
    this.#departed.keep(worker, reports)
  }

  #listed(worker: Worker, { question, connections, counts }: Connections): void {
    const byQuestion = this.#parts.get(worker) ?? new Map<number, ConnectionSummary[]>()
    this.#parts.set(worker, byQuestion)
    const all = [...(byQuestion.get(question) ?? []), ...connections]
    if (counts === null) byQuestion.set(question, all)
    else {
      byQuestion.delete(question)
      this.#lists.answered(worker, question, { connections: all, counts })
    }
  }
}

/** Numbers in ascending order; during a reload two processes have the same one. */
function numbersOf(workers: readonly ReportingWorker[]): number[] {
  return [...new Set(workers.map(worker => worker.number))].sort((a, b) => a - b)
}

function sum(counts: readonly ReportCounts[]): ReportCounts {
  const total = (read: (counts: ReportCounts) => number): number => counts.reduce((sum, each) => sum + read(each), 0)
  return {
    kept: {
      open: total(({ kept }) => kept.open),
      closed: total(({ kept }) => kept.closed),
      failed: total(({ kept }) => kept.failed),
      refused: total(({ kept }) => kept.refused),
    },
    evicted: {
      closed: total(({ evicted }) => evicted.closed),
      failed: total(({ evicted }) => evicted.failed),
      refused: total(({ evicted }) => evicted.refused),
    },
  }
}

function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
