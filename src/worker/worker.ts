// A worker process: takes connections from the primary, serves them, reports what it counted, and leaves when told to.

import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Logger } from 'pino'
import { Codec } from '../codec/codec.js'
import { receiveHandles } from '../handle-channel.js'
import { createLog } from '../log.js'
import type {
  AdmitClients,
  Changes,
  DefaultControls,
  FromWorker,
  Handover,
  Leave,
  OpenStreams,
  Start,
  ToWorker,
} from '../messages.js'
import { Counters } from '../metrics/counters.js'
import { offsetOf } from '../metrics/layout.js'
import { Occasional } from '../occasional.js'
import { Archive } from '../report/archive.js'
import type { Recorder } from '../report/recorder.js'
import type { RefusedRequest } from '../report/refused-handshake.js'
import type { Settings } from '../settings.js'
import type { Transport } from '../transport/transport.js'
import { CodecMetrics } from './codec-metrics.js'
import { Connection, type ConnectionContext, decoderRules } from './connection.js'
import { ConnectionActions } from './connection-actions.js'
import { ConnectionLog } from './connection-log.js'
import type { ConnectionTerms } from './connection-terms.js'
import { Connections } from './connections.js'
import { ControlledConnection } from './controlled-connection.js'
import { ControlledTransport } from './controlled-transport.js'
import { sendInParts } from './departing-reports.js'
import { Departure } from './departure.js'
import { Gauges } from './gauges.js'
import { type HandoverHandler, Handovers } from './handovers.js'
import { IdleCollector } from './idle-collector.js'
import { sendListing } from './listing.js'
import { LoopWatch } from './loop-watch.js'
import { MemoryBudget } from './memory-budget.js'
import { MessageBlocks } from './message-blocks.js'
import { OpeningControls } from './opening/opening-controls.js'
import { Openings, type OpeningsHandler } from './opening/openings.js'
import { Outbox } from './outbox.js'
import { Pauses } from './pauses.js'
import { PingTimes } from './ping-times.js'
import { watchCollections } from './process-gauges.js'
import { COUNTS_INTERVAL, Snapshots } from './snapshots.js'
import { Traffic } from './traffic.js'
import { Share, Turns } from './turns.js'

/** Bounds of the pause between two looks at the deadlines, in milliseconds. */
const SWEEP_INTERVAL = { least: 10, most: 250 }

const LOG_LINES_LOST = offsetOf('log_lines_lost_total')

/** Serves until the primary sends it away or dies. Signals are the primary's business: a terminal sends them to all. */
export function runWorker(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  // Without the primary nobody hears an exit code, and Node's own exit would end codec threads wherever they are: one that
  // makes a zlib context aborts the process.
  process.prependListener('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  let worker: WorkerService | undefined
  receiveHandles((handover, connection) => worker?.handovers.arrived(handover, connection))
  process.on('message', (message: ToWorker) => {
    if (message.type === 'start') worker = start(message)
    else worker?.onMessage(message)
  })
}

function start({ settings, worker }: Start): WorkerService {
  const counters = new Counters()
  const log = createLog(settings.logLevel, () => counters.add(LOG_LINES_LOST, 1), { worker })
  const service = new WorkerService(
    settings,
    counters,
    new Codec(settings, new CodecMetrics(counters, log)),
    worker,
    log,
  )
  send({ type: 'ready' })
  return service
}

class WorkerService implements OpeningsHandler, HandoverHandler {
  readonly handovers = new Handovers(this)
  readonly #archive: Archive
  readonly #reports: boolean
  readonly #log: Logger
  readonly #connectionLog: ConnectionLog
  readonly #traffic: Traffic
  readonly #openings: Openings
  readonly #controls: OpeningControls
  readonly #actions: ConnectionActions
  readonly #codec: Codec
  readonly #blocks = new MessageBlocks()
  readonly #snapshots: Snapshots
  readonly #loop: LoopWatch
  readonly #pauses: Pauses
  readonly #context: ConnectionContext
  readonly #connections = new Connections()
  readonly #collector = new IdleCollector()
  readonly #budget: MemoryBudget
  readonly #timers: NodeJS.Timeout[]
  readonly #departure: Departure
  #leaving = false
  #toldFallback = false

  constructor(settings: Settings, counters: Counters, codec: Codec, number: number, log: Logger) {
    this.#archive = new Archive(settings, number)
    this.#reports = settings.reports > 0
    this.#log = log
    this.#connectionLog = new ConnectionLog(log)
    this.#codec = codec
    this.#budget = new MemoryBudget(Math.floor(settings.memoryBudget / settings.workers))
    this.#traffic = new Traffic(counters)
    this.#pauses = new Pauses(counters)
    this.#loop = new LoopWatch(counters)
    watchCollections()
    const closedForMemory = new Occasional(count =>
      log.warn(
        { connections: count, held: this.#budget.held },
        'the memory budget is used up: the connections that held most were closed',
      ),
    )
    this.#context = {
      settings,
      traffic: this.#traffic,
      outbox: new Outbox(),
      codec,
      blocks: this.#blocks,
      turns: new Turns(),
      share: new Share(),
      budget: this.#budget,
      pauses: this.#pauses,
      pings: new PingTimes(),
      plainRules: decoderRules(settings, false),
      compressedRules: decoderRules(settings, true),
      onGone: connection => this.#onConnectionGone(connection),
      onInternalError: error => this.onInternalError(error),
      onProtocolError: (connection, error) => this.#connectionLog.failed(connection, error),
      onClosedForMemory: () => closedForMemory.happened(),
    }
    this.#controls = new OpeningControls(
      settings,
      number,
      control => this.#traffic.controlUsed(control),
      opening => send({ type: 'claim', opening }),
    )
    this.#openings = new Openings(settings, secureContextOf(settings), this.#traffic, this, this.#controls)
    this.#actions = new ConnectionActions(this.#connections, this.#archive)
    const gauges = new Gauges({
      pauses: this.#pauses,
      budget: this.#budget,
      codec,
      openings: this.#openings,
      webSockets: this.#connections,
    })
    this.#snapshots = new Snapshots(
      counters,
      () => this.#countAll(),
      () => gauges.take(),
      send,
    )
    this.#departure = new Departure(this.#connections, this.#openings, this.handovers, settings.drainTimeout, cut =>
      this.#exit(cut),
    )
    this.#timers = [
      setInterval(() => this.#snapshots.look(), COUNTS_INTERVAL),
      setInterval(() => this.#sweep(), sweepInterval(settings)),
    ]
  }

  onMessage(message: Exclude<ToWorker, Start>): void {
    if (message.type === 'revoke') this.#revoke(message.id)
    else if (message.type === 'snapshot-request') this.#snapshots.tell(message.question)
    else if (message.type === 'list-connections') void sendListing(this.#archive, message, send)
    else if (message.type === 'tell-connection')
      send({ type: 'connection', question: message.question, report: this.#archive.get(message.id) ?? null })
    else if (message.type === 'default-controls') this.#setDefaultControls(message)
    else if (message.type === 'clients-admitted') this.#openings.admitted(message.clients)
    else if (message.type === 'streams-opened') this.#openings.opened(message.streams)
    else if (message.type === 'claimed') this.#controls.granted(message.opening, message.controls)
    else if (message.type === 'act')
      send({ type: 'acted', question: message.question, ...this.#actions.act(message.target, message.action) })
    else if (message.type === 'leave') this.#leave(message.when)
  }

  onTaken({ id, admission }: Handover, handle: object): void {
    this.#openings.take(id, handle, admission)
  }

  tell(changes: Changes, written: () => void): void {
    send(changes, written)
  }

  ask(message: OpenStreams | AdmitClients): void {
    send(message)
  }

  onUpgraded(transport: Transport, terms: ConnectionTerms, behind: Buffer): void {
    const connection = this.#connectionFor(terms, transport)
    this.#connections.set(terms.id, connection)
    this.#connectionLog.accepted(terms)
    this.#collector.handshakeDone()
    connection.start(behind)
  }

  onRefused(request: RefusedRequest): void {
    if (this.#reports) this.#archive.refused(request)
    this.#connectionLog.refused(request)
  }

  #connectionFor(terms: ConnectionTerms, transport: Transport): Connection {
    const { controls } = terms
    if (controls === undefined)
      return new Connection(this.#context, terms, transport, this.#recorderFor(terms, transport))
    const carrier = new ControlledTransport(transport, controls)
    return new ControlledConnection(this.#context, terms, controls, carrier, this.#recorderFor(terms, carrier))
  }

  #recorderFor(terms: ConnectionTerms, transport: Transport): Recorder | undefined {
    return this.#reports ? this.#archive.opened(terms, transport) : undefined
  }

  onGone(id: number, cut = false): void {
    this.handovers.ended(id)
    if (this.#leaving) this.#departure.onGone(cut)
  }

  onFallback(): void {
    if (this.#toldFallback) return
    this.#toldFallback = true
    this.#log.warn(
      `Node ${process.version} has no TCP handles as they are expected: connections go over streams, at more CPU and memory`,
    )
  }

  onInternalError(error: unknown): void {
    this.#log.error({ err: error }, 'a connection failed inside the server')
  }

  /** The primary gave the connection to another worker meanwhile, which is rare: ours has said nothing yet. */
  #revoke(id: number): void {
    if (this.handovers.revoke(id)) return
    this.#openings.drop(id)
    this.#connections.get(id)?.destroy('another worker serves it')
  }

  #setDefaultControls({ question, controls, limited }: DefaultControls): void {
    this.#controls.setDefault(controls, limited)
    send({ type: 'default-controls-set', question })
  }

  #onConnectionGone(connection: Connection): void {
    const { id, recorder, dropped } = connection
    this.#connections.delete(id)
    this.#connectionLog.closed(connection)
    if (recorder !== undefined) this.#archive.closed(recorder)
    this.onGone(id, dropped)
  }

  #sweep(): void {
    const now = Math.trunc(performance.now())
    this.#openings.sweep(now)
    this.#budget.sweep(now)
    this.#blocks.sweep(now)
    this.#collector.sweep(now, this.#connections.size, this.#budget.held + this.#blocks.idleOctets)
    this.#codec.sweep()
    this.#connectionLog.sweep()
    for (const connection of this.#connections.values()) connection.sweep(now)
  }

  #countAll(): void {
    // What is counted and what has become of connections are known together.
    this.handovers.tell()
    this.#openings.count()
    this.#traffic.addWholeEchoes()
    this.#pauses.addUp()
    this.#loop.look()
  }

  #leave(when: Leave['when']): void {
    this.#leaving = true
    this.handovers.leave(when)
    this.#departure.leave(when)
  }

  #exit(cut: number): void {
    for (const timer of this.#timers) clearInterval(timer)
    this.#loop.stop()
    // A process that exits while a thread makes a zlib context is aborted by Node ("close before init").
    const closed = this.#codec.close()
    this.#snapshots.tell(0)
    send({ type: 'left', cut, evicted: this.#archive.counts.evicted })
    sendInParts(this.#archive.allEnded(), send, () => void closed.then(() => process.exit(0)))
  }
}

/** Read anew by every worker, so that a rolling restart is also how a new certificate gets into use. */
function secureContextOf({ tlsCert, tlsKey }: Settings): SecureContext | undefined {
  if (tlsCert === undefined || tlsKey === undefined) return undefined
  return createSecureContext({ cert: readFileSync(tlsCert), key: readFileSync(tlsKey) })
}

/** Often enough that no deadline is missed by more than a quarter of its length. */
function sweepInterval(settings: Settings): number {
  const { handshakeTimeout, pingInterval, pingTimeout, slowReaderTimeout } = settings
  const shortest = Math.min(
    ...[handshakeTimeout, pingInterval, pingTimeout, slowReaderTimeout].filter(timeout => timeout > 0),
  )
  return Math.min(SWEEP_INTERVAL.most, Math.max(SWEEP_INTERVAL.least, shortest / 4))
}

/** Without a callback a failure would be thrown; it only means that the primary is gone, and that ends the worker anyway. */
function send(message: FromWorker, then: () => void = () => {}): void {
  process.send?.(message, undefined, undefined, then)
}
