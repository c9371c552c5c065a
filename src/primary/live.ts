// Keeps the console's history and has its pages told: one row a second, and the states of workers as soon as one changes.

import type { LiveState } from '../admin/view.js'
import { History } from './history.js'
import { LiveColumns, type LiveSources } from './live-columns.js'

/** Rows: 15 minutes of seconds. */
const ROWS = 900
/** Milliseconds. */
const INTERVAL = 1000
/** Milliseconds that changes of states are gathered. */
const STATE_DELAY = 50

/** Who gets what is new. */
export interface LivePages {
  publish(message: object): void
}

export class Live {
  readonly #columns: LiveColumns
  readonly #history: History
  readonly #pages: LivePages
  readonly #state: () => LiveState
  #stateTimer: NodeJS.Timeout | undefined

  constructor(sources: LiveSources, state: () => LiveState, pages: LivePages) {
    this.#columns = new LiveColumns(sources)
    this.#history = new History(this.#columns.columns.length, ROWS)
    this.#state = state
    this.#pages = pages
  }

  /** Begins with the rows; the timer does not keep the process alive. */
  start(): void {
    this.#addRow()
    setInterval(() => this.#addRow(), INTERVAL).unref()
  }

  /** What a page needs to begin with. */
  tell(): object {
    return { columns: this.#columns.columns, history: this.#history.tell(), state: this.#state() }
  }

  /** The state of the service or of a worker may be another one now. */
  stateChanged(): void {
    this.#stateTimer ??= setTimeout(() => {
      this.#stateTimer = undefined
      this.#pages.publish({ type: 'state', state: this.#state() })
    }, STATE_DELAY).unref()
  }

  #addRow(): void {
    const { at, values } = this.#history.add(Date.now(), row => this.#columns.read(row))
    this.#pages.publish({ type: 'row', at, values, state: this.#state() })
  }
}
