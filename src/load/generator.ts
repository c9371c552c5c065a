// One thread's load, from opening its connections to the last Close: puts the parts together and turns the wheel.

import type { LoadSettings } from '../load-settings.js'
import { parseExtensions } from '../protocol/header-grammar.js'
import type { Shared } from './connection.js'
import { Fleet, type Place } from './fleet.js'
import { FrameWriter } from './frame-writer.js'
import { Http2Sessions } from './http2-wire.js'
import { ClosedLoop, type Loop, OpenLoop } from './loops.js'
import { MessageSource } from './message-source.js'
import { makeKey } from './opening-handshake.js'
import { readOrders } from './orders.js'
import { RateCurve, stretches } from './rate-curve.js'
import { Schedule } from './schedule.js'
import { Sizes } from './sizes.js'
import { SocketWire, type Target } from './socket-wire.js'
import { Tally } from './tally.js'

/** Milliseconds between ticks when nothing is due sooner. */
const LONGEST_TICK = 10

/** What this thread is of the whole. */
export interface Share {
  /** Counts from 0. */
  readonly thread: number
  readonly threads: number
  /** Value of User-Agent, by which the service's reports tell these connections from others. */
  readonly userAgent: string
  /** Contents of the file of `ca`. */
  readonly ca: string | undefined
}

export type Phase = 'opening' | 'ready' | 'running' | 'draining' | 'closing' | 'done'

export class Generator {
  readonly tally = new Tally()
  phase: Phase = 'opening'
  readonly fleet: Fleet
  readonly #loop: Loop
  readonly #settings: LoadSettings
  readonly #share: Share
  readonly #orders: readonly ReturnType<typeof readOrders>[]
  readonly #onPhase: (phase: Phase) => void
  #timer: NodeJS.Timeout | undefined
  /** When the phase began. */
  #since = 0
  #pinged = 0
  #isStopped = false

  /** @param onPhase told of each new phase; `ready` waits for `go` */
  constructor(settings: LoadSettings, share: Share, onPhase: (phase: Phase) => void) {
    this.#settings = settings
    this.#share = share
    this.#onPhase = onPhase
    this.#orders = settings.urls.map(url => readOrders(new URL(url)))
    this.fleet = new Fleet(
      {
        size: partOf(settings.connections, share),
        ramp: settings.ramp,
        churn: settings.churn / share.threads,
        places: this.#places(),
        firstId: share.thread,
        idStep: share.threads,
      },
      this.#shared(),
    )
    this.#loop = this.#makeLoop()
  }

  /** Opens the connections. */
  open(): void {
    this.#enter('opening')
    this.fleet.start(performance.now())
    this.#tick()
  }

  /** Begins to send. @param at milliseconds since the Unix epoch */
  go(at: number): void {
    if (this.phase !== 'ready') return
    const start = at - performance.timeOrigin
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#begin(start), start - performance.now())
  }

  #begin(start: number): void {
    this.#enter('running')
    this.#since = start
    this.#loop.start(Math.max(start, performance.now()))
    this.fleet.startChurn(start)
    this.#tick()
  }

  /** Ends as if it were over, or, the second time, at once. */
  stop(): void {
    this.#isStopped = true
    this.#loop.stop()
    if (this.phase === 'opening' || this.phase === 'ready') {
      this.#close(performance.now())
      // The turn that was to come next may have been the beginning.
      this.#tick()
    } else if (this.phase !== 'running') this.fleet.abandon()
  }

  #places(): Place[] {
    const { settings, sessions } = { settings: this.#settings, sessions: new Http2Sessions(this.#settings.streams) }
    const { insecure, servername, http2 } = settings
    const tls = { ca: this.#share.ca, insecure, servername }
    const terms = termsOf(settings, this.#share.userAgent)
    return settings.urls.map((text, index) => {
      const target: Target = { url: new URL(text), terms, tls }
      return {
        orders: this.#orders[index],
        makeKey,
        dial: connection => {
          const wire = http2 ? sessions.connect(target, connection) : new SocketWire(target, connection.key, connection)
          connection.attach(wire)
        },
      }
    })
  }

  #shared(): Shared {
    const { payload, size, fragment, timeout, admin } = this.#settings
    const sizes = new Sizes(size)
    const now = () => performance.now()
    return {
      source: new MessageSource(payload, sizes),
      writer: new FrameWriter(),
      tally: this.tally,
      largest: sizes.largest,
      fragment,
      timeout,
      keepsBooks: admin !== undefined,
      now,
      onRoom: (connection, count) => this.#loop.onRoom(connection, count, now()),
      onRead: at => this.#loop.dispatch(at),
      onOpened: connection => {
        this.fleet.onOpened(connection)
        this.#loop.onOpened(connection, now())
      },
      onEnded: connection => this.fleet.onEnded(connection),
    }
  }

  #makeLoop(): Loop {
    const { rate, steps, duration, arrivals, messages, inFlight, think } = this.#settings
    const { thread, threads } = this.#share
    if (rate === undefined) {
      const options = { inFlight: inFlight ?? 1, think, duration, messages: partOf(messages, this.#share) }
      return new ClosedLoop(options, this.fleet)
    }
    const curve = new RateCurve(stretches(rate.from, rate.to, duration / 1000, steps))
    const schedule = new Schedule({ curve, arrivals, messages, thread, threads, random: Math.random })
    return new OpenLoop(schedule, this.fleet, this.tally, this.#orders[0])
  }

  /** One turn of the wheel, which sets the time of the next. */
  #tick(): void {
    clearTimeout(this.#timer)
    const now = performance.now()
    this.fleet.tick(now)
    if (this.phase === 'running') this.#run(now)
    if (this.phase === 'opening' && this.fleet.isSettled) this.#enter('ready')
    if (this.phase === 'draining' && (!this.fleet.isBusy || now - this.#since > this.#patience)) this.#close(now)
    if (this.phase === 'closing' && this.fleet.alive === 0) return this.#enter('done')
    const wait = this.phase === 'running' ? this.#loop.next() - performance.now() : LONGEST_TICK
    this.#timer = setTimeout(() => this.#tick(), Math.max(1, Math.min(LONGEST_TICK, wait)))
  }

  #run(now: number): void {
    this.#loop.dispatch(now)
    this.#pingDue(now)
    if (this.#isOver(now)) this.#enter('draining')
  }

  /** A load without messages lasts as long as one with. */
  #isOver(now: number): boolean {
    const { rate, duration } = this.#settings
    const isSilent = rate !== undefined && rate.from + rate.to === 0
    if (isSilent && !this.#isStopped) return now - this.#since >= duration
    return this.#loop.isOver(now)
  }

  /** Pings are spread over the interval: each connection in its turn. */
  #pingDue(now: number): void {
    const { ping } = this.#settings
    const { open } = this.fleet
    if (ping === 0 || open.length === 0) return
    const due = Math.floor(((now - this.#since) / ping) * open.length)
    const first = Math.max(this.#pinged, due - open.length)
    for (let i = first; i < due; i++) open[i % open.length].ping(now)
    this.#pinged = Math.max(due, this.#pinged)
  }

  #close(now: number): void {
    this.#enter('closing')
    this.fleet.end(now)
  }

  /** Milliseconds that are waited for the last echoes. */
  get #patience(): number {
    return this.#settings.timeout + Math.max(...this.#orders.map(({ delay }) => delay))
  }

  #enter(phase: Phase): void {
    this.phase = phase
    this.#since = performance.now()
    this.#onPhase(phase)
  }
}

function partOf(whole: number, { thread, threads }: Share): number {
  return Number.isFinite(whole) ? Math.ceil((whole - thread) / threads) : whole
}

function termsOf(settings: LoadSettings, userAgent: string): Target['terms'] {
  const { compression, subprotocol, header, origin } = settings
  const offers = compression === undefined ? undefined : parseExtensions(compression)
  const hasOwn = (wanted: string) => header.some(([name]) => name.toLowerCase() === wanted)
  return {
    offers: offers?.ok && compression !== undefined ? { text: compression, parsed: offers.value } : undefined,
    subprotocols: subprotocol,
    fields: [
      ...(hasOwn('user-agent') ? [] : [['User-Agent', userAgent] as const]),
      ...(origin === undefined ? [] : [['Origin', origin] as const]),
      ...header,
    ],
  }
}
