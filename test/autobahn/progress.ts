// Shows how far the run is: one line that is rewritten on a terminal, else a line for each step that is done.

import { stepOf } from './cases.js'

const CLEAR_LINE = '\r\u001b[K'

export interface ProgressOutput {
  readonly isTTY?: boolean
  write(text: string): unknown
}

export class Progress {
  readonly #output: ProgressOutput
  /** Milliseconds. */
  readonly #now: () => number
  readonly #startedAt: number
  readonly #cases: number
  readonly #steps: number
  /** The case that each process of the suite is at. */
  readonly #current = new Map<number, string>()
  #casesDone = 0
  #stepsDone = 0

  constructor(cases: readonly string[], output: ProgressOutput, now: () => number = Date.now) {
    this.#cases = cases.length
    this.#steps = new Set(cases.map(stepOf)).size
    this.#output = output
    this.#now = now
    this.#startedAt = now()
  }

  /** The suite tells when a case begins; the one before it in the same process is done then. */
  began(process: number, id: string): void {
    this.#end(process, stepOf(id))
    this.#current.set(process, id)
    if (this.#output.isTTY)
      this.#output.write(`${CLEAR_LINE}${this.#line()}  now ${[...this.#current.values()].join(' ')}`)
  }

  /** A process of the suite is at its end. */
  ended(process: number): void {
    this.#end(process, undefined)
    this.#current.delete(process)
  }

  /** Makes room for what is printed next. */
  finish(): void {
    if (this.#output.isTTY) this.#output.write(CLEAR_LINE)
  }

  #end(process: number, nextStep: string | undefined): void {
    const id = this.#current.get(process)
    if (id === undefined) return
    this.#casesDone++
    if (stepOf(id) === nextStep) return
    this.#stepsDone++
    if (!this.#output.isTTY) this.#output.write(`${this.#line()}  ${stepOf(id)} done\n`)
  }

  #line(): string {
    const elapsed = formatElapsed(this.#now() - this.#startedAt)
    return `${elapsed}  groups ${this.#stepsDone}/${this.#steps}  cases ${this.#casesDone}/${this.#cases}`
  }
}

/** Milliseconds as `m:ss`. */
export function formatElapsed(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
