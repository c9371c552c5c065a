// A connection that does more than echo: what its controls say of pings, Closes, its life and its end.
//
// All of it is here and beside here (controlled-echo, controlled-transport), so that a connection without controls is what
// it was. Whatever waits is a task of the connection's one schedule, which ends with it.

import type { ActiveControls } from '../controls/active.js'
import { textMessage } from '../controls/alter.js'
import type { Plan } from '../controls/plans.js'
import type { Sending } from '../controls/sending.js'
import { violationOf } from '../controls/violations.js'
import { isControl, PING, PONG } from '../protocol/opcodes.js'
import type { Recorder } from '../report/recorder.js'
import { Connection, type ConnectionContext } from './connection.js'
import type { ConnectionTerms } from './connection-terms.js'
import type { ControlledTransport } from './controlled-transport.js'

/** Late pongs that may wait; further pings go unanswered, which section 5.5.3 of RFC 6455 allows. */
const MOST_LATE_PONGS = 64
const NOTHING = Buffer.alloc(0)

const OVER = 'controls-hold-timeout was over'

export class ControlledConnection extends Connection {
  readonly #controls: ActiveControls
  readonly #transport: ControlledTransport
  readonly #holdTimeout: number
  readonly #deflate: boolean
  readonly #traffic: ConnectionContext['traffic']
  #latePongs = 0
  /** Replaces the next Close that is sent. */
  #ownClose: (() => void) | undefined
  /** FIN waits for a control. */
  #holdsEnd = false

  constructor(
    context: ConnectionContext,
    terms: ConnectionTerms,
    controls: ActiveControls,
    transport: ControlledTransport,
    recorder?: Recorder,
  ) {
    super(context, terms, transport, recorder)
    this.#controls = controls
    this.#transport = transport
    this.#holdTimeout = context.settings.controlsHoldTimeout
    this.#deflate = terms.deflate !== undefined
    this.#traffic = recorder === undefined ? context.traffic : context.traffic.alsoFor(recorder.tally)
    controls.carryOut = plan => this.#carryOut(plan)
  }

  override start(behind: Buffer): void {
    const { schedule, values, outbox, plans, book } = this.#controls
    this.#transport.begin()
    super.start(NOTHING)
    if (values.describe) {
      book.did('describe', 'first message')
      outbox.send(textMessage(this.#controls.describe()))
    }
    if (values.push !== undefined) schedule.every(values.push, () => outbox.push())
    if (values.ping !== undefined) schedule.every(values.ping, () => this.#ping())
    for (const { plan, after } of plans.timed) {
      if (after === 0) this.#carryOut(plan)
      else schedule.in(after, () => this.#carryOut(plan))
    }
    if (behind.length > 0 && !this.#transport.stalled) this.onChunk(behind, behind.length)
  }

  override onEnd(): void {
    super.onEnd()
    // The client has ended its side: there is nobody left to hold TCP open for.
    if (this.#holdsEnd) this.#endNow()
  }

  override onClosed(): void {
    super.onClosed()
    this.#controls.end()
  }

  override takeTurn(): void {
    if (!this.#transport.stalled) super.takeTurn()
  }

  override goAway(code: number, reason = ''): void {
    if (this.#transport.vanished) this.destroy('the server stopped')
    else super.goAway(code, reason)
  }

  override goAwayNow(code: number, reason = ''): boolean {
    return !this.#transport.vanished && super.goAwayNow(code, reason)
  }

  /** What waits because of a control is not the peer's fault. */
  override sweep(now: number): void {
    const heldBack = this.#transport.pending > 0 && this.#transport.waitingForPeer === 0
    if (!this.#holdsEnd && !this.#transport.vanished && !heldBack) super.sweep(now)
  }

  override get pending(): number {
    return this.#transport.waitingForPeer
  }

  override get reading(): boolean {
    return super.reading && !this.#transport.stalled
  }

  override say(opcode: number, payload: Buffer): boolean {
    if (isControl(opcode)) return super.say(opcode, payload)
    if (!this.open) return false
    this.#controls.outbox.send({ opcode, payload, deflated: undefined })
    return true
  }

  override sendClose(code: number, reason: string): void {
    if (this.#ownClose !== undefined) return this.#ownClose()
    const { 'close-reply': reply } = this.#controls.values
    if (reply === undefined || this.closedBy === 'server') return super.sendClose(code, reason)
    if (reply === 'off') {
      this.#controls.book.did('close-reply', "the client's Close goes unanswered")
      return this.#hold()
    }
    this.#controls.book.did('close-reply', `${reply} ms late`)
    this.#holdsEnd = true
    this.#controls.schedule.in(reply, () => {
      super.sendClose(code, reason)
      this.#holdsEnd = false
      this.endSending()
    })
  }

  override endSending(): void {
    if (this.#holdsEnd) return
    const wait = this.#controls.values['close-wait']
    if (wait === undefined) return super.endSending()
    this.#controls.book.did('close-wait', `TCP is held open for ${wait} ms`)
    this.#holdsEnd = true
    this.#controls.schedule.in(wait, () => this.#endNow())
  }

  protected override answersPing(source: Buffer, start: number, length: number): boolean {
    const { values, schedule, book } = this.#controls
    const { pong } = values
    if (pong === undefined) return true
    book.did('pong', pong === 'off' ? 'a ping goes unanswered' : `${pong} ms late`)
    if (pong === 'off' || this.#latePongs === MOST_LATE_PONGS) return false
    const payload = Buffer.from(source.subarray(start, start + length))
    this.#latePongs++
    schedule.in(pong, () => {
      this.#latePongs--
      this.say(PONG, payload)
    })
    return false
  }

  #ping(): void {
    if (this.say(PING, NOTHING)) this.#controls.book.did('ping', 'a ping')
  }

  #carryOut(plan: Plan): void {
    if (plan === 'stall') this.#stall()
    else if (!this.open) return
    else if (plan === 'send') this.#violate()
    else if (plan === 'close') this.#close()
    else this.#end()
  }

  #stall(): void {
    this.#controls.book.did('stall', 'nothing more is read')
    this.#transport.stall()
    // The rest of the chunk stays unread as well: the connection's turn is over.
    this.charge(Number.POSITIVE_INFINITY)
    this.#hold()
  }

  #close(): void {
    const { close = 1000, reason = '' } = this.#controls.values
    this.#controls.book.did('close', `Close ${close}`)
    this.goAwayNow(close, reason)
  }

  #end(): void {
    const { end } = this.#controls.values
    this.#controls.book.did('end', end ?? '')
    // The echoes before it are out first.
    this.out.flush()
    if (end === 'fin') this.endNow()
    else if (end === 'reset') this.reset('the control end=reset')
    else {
      this.#transport.vanish()
      this.#hold()
    }
  }

  #violate(): void {
    // The plan is there only where the control is.
    const { name, size } = this.#controls.values.send as Sending
    const { octets, frames, close, ends, message } = violationOf(name).make(this.#deflate, size)
    const write = (): void => {
      this.out.raw(octets, frames)
      if (message !== undefined) this.#traffic.messageSent(...message)
      this.#controls.violated()
      this.#controls.book.did('send', name)
    }
    if (close === undefined) {
      write()
      if (ends) this.endNow()
      return
    }
    // It stands for our Close, so that the client's answer ends the connection.
    this.#ownClose = () => {
      this.#ownClose = undefined
      this.recorder?.closeSent(close, '')
      write()
    }
    this.goAwayNow(close)
  }

  /** Nothing comes of the connection any more: bounded, since its peer may never end it. */
  #hold(): void {
    this.#holdsEnd = true
    this.#controls.schedule.in(this.#holdTimeout, () => this.destroy(OVER))
  }

  #endNow(): void {
    this.#holdsEnd = false
    super.endSending()
  }
}
