// The controls of one connection in force: what was asked for, and all that goes with it as long as the connection lives.

import type { ControlName } from '../control-names.js'
import type { Message } from './alter.js'
import { Book, type ControlEvent } from './book.js'
import { CLOCK, type Clock } from './clock.js'
import { Dice } from './dice.js'
import { type Duty, type Expectation, judge, type Outcome } from './duty.js'
import { HANDSHAKE_FAULTS } from './handshake-faults.js'
import { writeControls } from './parse.js'
import { type Plan, Plans } from './plans.js'
import { Schedule } from './schedule.js'
import type { Controls } from './schema.js'
import { violationOf } from './violations.js'

/** What the report of a connection says of its controls. Times are milliseconds after its handshake was answered. */
export interface ControlsReport {
  /** As the answer named them. */
  readonly controls: string
  /** `url`: the client asked for them. `default`: it asked for none, and the service has these. */
  readonly from: 'url' | 'default'
  /** How often each did something. */
  readonly uses: Readonly<Record<string, number>>
  /** The first things that they did. */
  readonly events: readonly ControlEvent[]
  /** What the client did about a violation; null when none was sent. */
  readonly judgement: ViolationReport | null
}

export interface ViolationReport {
  /** Such as `send=masked`. */
  readonly violation: string
  readonly source: string
  /** What the RFC has the client do: fail the connection (`must`, `should`), nothing (`none`), or go on (`go-on`). */
  readonly duty: Duty
  /** Close codes that fit. */
  readonly codes: readonly number[]
  /** Such as `failed with 1002`. */
  readonly client: string
  /** Null where the RFC asks for nothing, or the client may still do it. */
  readonly right: boolean | null
}

export interface OwnMessages {
  /** The next one of the control push. */
  push(): void
  send(message: Message): void
}

const NOBODY: OwnMessages = { push: () => {}, send: () => {} }

const CHANCES: readonly (keyof Controls)[] = ['drop', 'duplicate', 'corrupt', 'swap', 'jitter']

export class ActiveControls {
  readonly values: Controls
  readonly from: ControlsReport['from']
  /** The seed included, where chance has a part. */
  readonly text: string
  readonly dice: Dice
  readonly schedule: Schedule
  readonly book: Book
  readonly plans: Plans
  /** JSON about the connection; set when its handshake is answered, as the next. */
  describe: () => string = () => '{}'
  /** Head of the answer. */
  response = ''
  /** Does what a plan has the moment for; set by the connection. */
  carryOut: (plan: Plan) => void = () => {}
  /** Sends messages of the server's own; set by the echo. */
  outbox: OwnMessages = NOBODY
  #violation: (Expectation & { readonly violation: string }) | undefined

  /** @param onUse told of each use, for the metric */
  constructor(
    asked: Controls,
    from: ControlsReport['from'],
    onUse: (control: ControlName) => void,
    clock: Clock = CLOCK,
  ) {
    this.dice = new Dice(asked.seed)
    this.values = hasChance(asked) ? { ...asked, seed: this.dice.seed } : asked
    this.from = from
    this.text = writeControls(this.values)
    this.schedule = new Schedule(clock)
    this.book = new Book(() => this.schedule.now, onUse)
    this.plans = new Plans(asked, this.dice)
    const { handshake } = asked
    if (handshake !== undefined)
      this.#violation = { ...HANDSHAKE_FAULTS[handshake], violation: `handshake=${handshake}` }
  }

  /** The connection is gone. Its report may live on, and is to keep nothing else of it alive. */
  end(): void {
    this.schedule.end()
    this.describe = () => '{}'
    this.carryOut = () => {}
    this.outbox = NOBODY
  }

  /** The violation of the control send has gone out. */
  violated(): void {
    const { send } = this.values
    if (send !== undefined) this.#violation = { ...violationOf(send.name), violation: `send=${send.name}` }
  }

  report(outcome: Outcome): ControlsReport {
    const { text, from, book } = this
    return { controls: text, from, uses: book.uses, events: book.events, judgement: this.#judgement(outcome) }
  }

  #judgement(outcome: Outcome): ViolationReport | null {
    if (this.#violation === undefined) return null
    const { violation, source, duty, codes } = this.#violation
    return { violation, source, duty, codes, ...judge({ duty, codes, source }, outcome) }
  }
}

/** Whether any draw decides something. */
function hasChance(controls: Controls): boolean {
  if (CHANCES.some(name => controls[name] !== undefined)) return true
  const moments = [controls.after, controls['close-after'], controls['end-after'], controls['send-after']]
  return moments.some(moment => moment !== undefined && moment.least < moment.most)
}
