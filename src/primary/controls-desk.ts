// The primary's end of the test controls: tells all workers the default, answers their claims, and has them act on
// connections for an admin.

import type { ActionResult, ControlsChange, ControlsInForce, ControlsView, PutControls } from '../admin/view.js'
import type { Acted, ActionTarget, ConnectionAction, DefaultControlsSet } from '../messages.js'
import { DefaultControls } from './default-controls.js'
import { Gathering } from './gathering.js'

/** Milliseconds after which an answer is made of what has come. */
const ANSWER_TIMEOUT = 500

/** The part of a worker process that is needed here. */
export interface ControlledWorker {
  /** 1…N. */
  readonly number: number
  setDefaultControls(question: number, controls: string | null, limited: boolean): void
  answerClaim(opening: number, controls: string | null): void
  act(question: number, target: ActionTarget, action: ConnectionAction): void
}

export class ControlsDesk<Worker extends ControlledWorker> implements ControlsView {
  readonly #defaults: DefaultControls
  readonly #changes: Gathering<Worker, DefaultControlsSet>
  readonly #actions: Gathering<Worker, Acted>

  /**
   * @param option controls that the service was started with
   * @param workers those that may have connections, and whether an answer can be expected of them
   */
  constructor(option: string | undefined, workers: () => Iterable<Worker>, isResponsive: (worker: Worker) => boolean) {
    this.#defaults = new DefaultControls(option)
    this.#changes = new Gathering(workers, isResponsive, ANSWER_TIMEOUT)
    this.#actions = new Gathering(workers, isResponsive, ANSWER_TIMEOUT)
  }

  get inForce(): ControlsInForce {
    return this.#defaults.inForce
  }

  /** A fresh worker knows the option's default; to be called before it gets connections. */
  join(worker: Worker): void {
    if (this.inForce.from === 'admin') this.#tell(worker, 0)
  }

  /** Resolves when the workers heed it, with those that have not said so. */
  async put(controls: PutControls): Promise<ControlsChange> {
    this.#defaults.put(controls)
    return this.#change()
  }

  async clear(): Promise<ControlsChange> {
    this.#defaults.clear()
    return this.#change()
  }

  /** A worker asks whether the handshake gets the default. The last one of a count ends the asking. */
  claimed(worker: Worker, opening: number): void {
    const { limited } = this.#defaults
    worker.answerClaim(opening, this.#defaults.claim())
    if (limited && !this.#defaults.limited) void this.#change()
  }

  async act(target: ActionTarget, action: ConnectionAction): Promise<ActionResult> {
    const { answers, silent } = await this.#actions.ask((worker, question) => worker.act(question, target, action))
    const sorted = (ids: readonly number[]): number[] => [...ids].sort((a, b) => a - b)
    return {
      done: sorted(answers.flatMap(({ done }) => done)),
      busy: sorted(answers.flatMap(({ busy }) => busy)),
      unasked: numbersOf(silent),
    }
  }

  answered(worker: Worker, answer: Acted | DefaultControlsSet): void {
    if (answer.type === 'acted') this.#actions.answered(worker, answer.question, answer)
    else this.#changes.answered(worker, answer.question, answer)
  }

  /** The worker is dead: nobody waits for it any more. */
  gone(worker: Worker): void {
    this.#changes.gone(worker)
    this.#actions.gone(worker)
  }

  async #change(): Promise<ControlsChange> {
    const { silent } = await this.#changes.ask((worker, question) => this.#tell(worker, question))
    return { inForce: this.inForce, unasked: numbersOf(silent) }
  }

  #tell(worker: Worker, question: number): void {
    worker.setDefaultControls(question, this.inForce.controls, this.#defaults.limited)
  }
}

function numbersOf(workers: readonly ControlledWorker[]): number[] {
  return [...new Set(workers.map(({ number }) => number))].sort((a, b) => a - b)
}
