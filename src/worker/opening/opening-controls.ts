// Which controls a handshake has: those that its URL asks for, or the service's default.

import type { ControlName } from '../../control-names.js'
import { ActiveControls, type ControlsReport } from '../../controls/active.js'
import { CLOCK } from '../../controls/clock.js'
import { type Host, hostOf } from '../../controls/host.js'
import { type ControlRules, readControls } from '../../controls/parse.js'
import type { Controls } from '../../controls/schema.js'
import { violationOf } from '../../controls/violations.js'
import { type Refusal, refusal, type UpgradeRules } from '../../protocol/upgrade-request.js'
import type { Settings } from '../../settings.js'

/** Controls, and who asked for them. */
export interface Asked {
  readonly controls: Controls
  readonly from: ControlsReport['from']
}

/** What a handshake gets: controls, none, or no connection. */
export type Decision = Asked | Refusal | undefined

export class OpeningControls {
  readonly host: Host
  readonly holdTimeout: number
  readonly describesPlainHttp: boolean
  readonly #enabled: boolean
  readonly #rules: ControlRules
  readonly #onUse: (control: ControlName) => void
  readonly #ask: (opening: number) => void
  readonly #soon: (decide: () => void) => void
  #default: Controls | undefined
  /** The primary has a say in who gets the default. */
  #limited = false
  /** Openings that wait for their turn. */
  readonly #waiting = new Set<number>()
  /** Those that wait for the primary's word, by the number of their opening. */
  readonly #asking = new Map<number, (decision: Decision) => void>()

  /**
   * @param onUse told of each use of a control, for the metric
   * @param ask has the primary say whether this opening gets the default
   * @param soon runs what it is given in a turn of controls: a thousand handshakes that ask for some may come at once
   */
  constructor(
    settings: Settings,
    worker: number,
    onUse: (control: ControlName) => void,
    ask: (opening: number) => void,
    soon: (decide: () => void) => void = decide => CLOCK.soon(decide),
  ) {
    const { controls, controlsPrefix: prefix, controlsHoldTimeout, maxMessage, defaultControls } = settings
    this.host = hostOf(worker)
    this.holdTimeout = controlsHoldTimeout
    this.describesPlainHttp = settings.plainHttp === 'describe'
    this.#enabled = controls !== 'off'
    this.#rules = { prefix, restricted: controls === 'all', maxMessage }
    this.#onUse = onUse
    this.#ask = ask
    this.#soon = soon
    this.setDefault(defaultControls ?? null, false)
  }

  /**
   * @param text controls in the form of a query, without prefix; it was judged before. Null for none
   * @param limited whether the primary has to be asked for each handshake
   */
  setDefault(text: string | null, limited: boolean): void {
    this.#default = text === null ? undefined : this.#read(text)
    this.#limited = limited
  }

  /** False where this query cannot have anything to do with controls, which is nearly always. */
  concern(query: string): boolean {
    return this.#enabled && (this.#default !== undefined || (query !== '' && query.includes(this.#rules.prefix)))
  }

  /** Calls `decided` once, soon or when the primary has said its word, and not for an opening that is forgotten. */
  decide(opening: number, query: string, decided: (decision: Decision) => void): void {
    this.#waiting.add(opening)
    this.#soon(() => {
      if (this.#waiting.delete(opening)) this.#decide(opening, query, decided)
    })
  }

  #decide(opening: number, query: string, decided: (decision: Decision) => void): void {
    const read = readControls(query, this.#rules)
    if (read.problem !== undefined) return decided(badControl(read.problem))
    if (read.controls !== undefined) return decided({ controls: read.controls, from: 'url' })
    if (this.#default === undefined) return decided(undefined)
    if (!this.#limited) return decided({ controls: this.#default, from: 'default' })
    this.#asking.set(opening, decided)
    this.#ask(opening)
  }

  /** The primary's word on an opening: the default controls, or null for none. */
  granted(opening: number, text: string | null): void {
    const decided = this.#asking.get(opening)
    this.#asking.delete(opening)
    const controls = text === null ? undefined : this.#read(text)
    decided?.(controls && { controls, from: 'default' })
  }

  /** The opening is gone. */
  forget(opening: number): void {
    this.#waiting.delete(opening)
    this.#asking.delete(opening)
  }

  activate({ controls, from }: Asked): ActiveControls {
    return new ActiveControls(controls, from, this.#onUse)
  }

  #read(text: string): Controls | undefined {
    const { controls } = readControls(text, { ...this.#rules, prefix: '', restricted: true }) as { controls?: Controls }
    return controls
  }
}

/** What a handshake with these controls may agree on. Context takeover would tie a message to ones that get lost. */
export function rulesWith({ compression, subprotocol }: Controls, rules: UpgradeRules): UpgradeRules {
  return {
    ...rules,
    ...(subprotocol !== undefined && { subprotocols: [subprotocol] }),
    compression:
      compression === 'off' ? undefined : rules.compression && { ...rules.compression, contextTakeover: false },
  }
}

/** A refusal where the connection cannot do what is asked of it. */
export function missingDeflate({ send, compress }: Controls, deflate: boolean): Refusal | undefined {
  if (deflate) return undefined
  if (send !== undefined && violationOf(send.name).deflate)
    return badControl(`The control send=${send.name} needs permessage-deflate, which is not agreed here.`)
  if (compress === 'always')
    return badControl('The control compress=always needs permessage-deflate, which is not agreed here.')
  return undefined
}

export function badControl(problem: string): Refusal {
  return refusal(400, 'bad_control', problem)
}
