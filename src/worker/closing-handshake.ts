// The closing handshake of one connection (RFC 6455 section 7): who says Close, with what, and when FIN follows.
//
//   OPEN ── our Close ──▶ CLOSING ── the peer's Close, or its FIN ──▶ ENDING
//     └──── the peer's Close or FIN, or its violation ──────────────────▲
//
// A Close is put behind all that is being echoed. ENDING has nothing left to say: FIN is sent, and what still comes is
// read and dropped, since closing a socket with unread octets would reset it and could cost the peer our Close.

export const OPEN = 0
export const CLOSING = 1
export const ENDING = 2

export type ClosingState = typeof OPEN | typeof CLOSING | typeof ENDING
export type Initiator = 'client' | 'server'

/** Stands for a connection that ended without any Close (section 7.1.5). */
const ABNORMAL_CLOSURE = 1006

/** What the closing handshake needs of its connection. */
export interface ClosingPort {
  /** Nothing that was received whole is still on its way to being echoed. */
  readonly echoIdle: boolean
  /** An outgoing frame is half written: a Close would lie inside of it. */
  readonly midFrame: boolean
  /** The peer has begun a message and not ended it. */
  readonly inMessage: boolean
  /** Writes a Close frame; 1005 stands for one without a code. */
  sendClose(code: number, reason: string): void
  /** Sends FIN behind all that is written. */
  endSending(): void
}

/** A Close or a FIN that waits until everything is echoed. */
interface Waiting {
  readonly initiator: Initiator
  /** Undefined for a FIN without a Close. */
  readonly code: number | undefined
  readonly reason: string
  /** ENDING sends FIN right behind it; CLOSING waits for the peer's Close. */
  readonly next: typeof CLOSING | typeof ENDING
}

export class ClosingHandshake {
  state: ClosingState = OPEN
  /** Who closed, and with which code, once that is known. */
  initiator: Initiator = 'client'
  code = ABNORMAL_CLOSURE
  /** What still comes means nothing: the peer has sent its Close, or broken the protocol. */
  ignoresInput = false
  readonly #port: ClosingPort
  #waiting: Waiting | undefined

  constructor(port: ClosingPort) {
    this.#port = port
  }

  /** Whether a Close or a FIN waits for echoes. */
  get waits(): boolean {
    return this.#waiting !== undefined
  }

  /** Whether what waits is our own first Close, so that the peer may begin no further message. */
  get waitsToLeave(): boolean {
    return this.#waiting?.next === CLOSING
  }

  /** The peer's Close is echoed behind all that is being echoed (section 5.5.1); after it comes nothing. */
  onPeerClose(code: number, reason: string): void {
    this.ignoresInput = true
    if (this.state !== OPEN) return this.#end()
    this.initiator = 'client'
    this.code = code
    this.#schedule({ initiator: 'client', code, reason, next: ENDING })
  }

  /** The peer's FIN: it sends nothing more, but what is owed to it is still written. */
  onPeerEnd(): void {
    this.ignoresInput = true
    if (this.state !== OPEN) return this.#end()
    if (this.#waiting?.next !== ENDING)
      this.#schedule({ initiator: 'client', code: undefined, reason: '', next: ENDING })
  }

  /** Fails the connection (section 7.1.7), once what came before the violation is echoed. */
  fail(code: number, reason: string): void {
    this.ignoresInput = true
    if (this.state !== OPEN) return this.#end()
    this.#schedule({ initiator: 'server', code, reason, next: ENDING })
  }

  /** The same for a violation that the echo itself found: what came before it is answered already. */
  failNow(code: number, reason: string): void {
    this.ignoresInput = true
    if (this.state !== OPEN) return this.#end()
    this.#carryOut({ initiator: 'server', code, reason, next: ENDING })
  }

  /** Begins the closing handshake, once the message at hand has come and is echoed: 1001 at shutdown, 1012 at a restart. */
  goAway(code: number, reason = ''): void {
    if (this.state !== OPEN || this.#waiting !== undefined) return
    this.#schedule({ initiator: 'server', code, reason, next: CLOSING })
  }

  /** As `goAway`, without waiting for the rest of a message or for echoes. False where the time for a Close is over. */
  goAwayNow(code: number, reason = ''): boolean {
    if (this.state !== OPEN) return false
    this.#carryOut({ initiator: 'server', code, reason, next: CLOSING })
    return true
  }

  /** Sends FIN without a Close, as no server should. */
  endNow(): void {
    if (this.state !== OPEN) return
    this.initiator = 'server'
    this.ignoresInput = true
    this.#carryOut({ initiator: 'server', code: undefined, reason: '', next: ENDING })
  }

  /** Something that a Close may wait for is done. */
  proceed(): void {
    const waiting = this.#waiting
    const { echoIdle, midFrame, inMessage } = this.#port
    if (waiting === undefined || !echoIdle) return
    // The rest of a frame will not come behind a FIN.
    if (waiting.code !== undefined && midFrame) return
    if (waiting.next === CLOSING && inMessage) return
    this.#carryOut(waiting)
  }

  /**
   * This end drops the connection without a closing handshake.
   *
   * @param code what the Close would have said
   */
  onDropped(code = ABNORMAL_CLOSURE): void {
    if (this.code !== ABNORMAL_CLOSURE) return
    this.initiator = 'server'
    this.code = code
  }

  #schedule(waiting: Waiting): void {
    this.#waiting = waiting
    this.proceed()
  }

  #carryOut({ initiator, code, reason, next }: Waiting): void {
    this.#waiting = undefined
    if (code !== undefined) {
      this.initiator = initiator
      this.code = code
      this.#port.sendClose(code, reason)
    }
    if (next === ENDING) this.#end()
    else this.state = CLOSING
  }

  #end(): void {
    if (this.state === ENDING) return
    this.state = ENDING
    this.#port.endSending()
  }
}
