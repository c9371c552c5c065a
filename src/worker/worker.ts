// A worker process: takes connections from the primary, serves them, reports what it counted, and leaves when told to.

import { readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Logger } from 'pino'
import { Codec } from '../codec/codec.js'
import { receiveHandles } from '../handle-channel.js'
import { createLog } from '../log.js'
import type { Changes, FromWorker, Handover, Leave, Start, ToWorker } from '../messages.js'
import { Counters } from '../metrics/counters.js'
import { offsetOf } from '../metrics/layout.js'
import { Archive } from '../report/archive.js'
import type { Opened } from '../report/recorder.js'
import type { Settings } from '../settings.js'
import { CodecMetrics } from './codec-metrics.js'
import { Connection, type ConnectionContext, decoderRules } from './connection.js'
import { sendInParts } from './departing-reports.js'
import { Departure } from './departure.js'
import { Gauges } from './gauges.js'
import { type HandoverHandler, Handovers } from './handovers.js'
import { IdleCollector } from './idle-collector.js'
import { type OpeningHandler, Openings, type Upgraded } from './opening.js'
import { Outbox } from './outbox.js'
import { SharedBufferSocket, SharedBufferTransport } from './shared-buffer-transport.js'
import { peerOf, takesReadBuffer } from './socket-handle.js'
import { StreamTransport } from './stream-transport.js'
import { Traffic } from './traffic.js'

/** Milliseconds between two unasked snapshots. */
const SNAPSHOT_INTERVAL = 250
/** Bounds of the pause between two looks at the deadlines, in milliseconds. */
const SWEEP_INTERVAL = { least: 10, most: 250 }

const LOG_LINES_LOST = offsetOf('log_lines_lost_total')

/** Serves until the primary sends it away or dies. Signals are the primary's business: a terminal sends them to all. */
export function runWorker(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  let worker: WorkerService | undefined
  receiveHandles((handover, connection) => worker?.handovers.arrived(handover, connection))
  process.on('message', (message: ToWorker) => {
    if (message.type === 'start') void start(message).then(started => (worker = started))
    else worker?.onMessage(message)
  })
}

async function start({ settings, worker }: Start): Promise<WorkerService> {
  const counters = new Counters()
  const log = await createLog(settings.logLevel, () => counters.add(LOG_LINES_LOST, 1), { worker })
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

class WorkerService implements OpeningHandler, HandoverHandler {
  readonly handovers = new Handovers(this)
  readonly #settings: Settings
  readonly #number: number
  readonly #archive: Archive
  readonly #counters: Counters
  readonly #traffic: Traffic
  readonly #openings: Openings
  readonly #codec: Codec
  readonly #gauges: Gauges
  readonly #context: ConnectionContext
  readonly #connections = new Map<number, Connection>()
  readonly #collector = new IdleCollector()
  readonly #timers: NodeJS.Timeout[]
  readonly #departure: Departure
  #leaving = false

  constructor(settings: Settings, counters: Counters, codec: Codec, number: number, log: Logger) {
    this.#settings = settings
    this.#number = number
    this.#archive = new Archive(settings.reports)
    this.#counters = counters
    this.#codec = codec
    this.#traffic = new Traffic(counters)
    this.#context = {
      settings,
      traffic: this.#traffic,
      outbox: new Outbox(),
      codec,
      plainRules: decoderRules(settings, false),
      compressedRules: decoderRules(settings, true),
      onGone: connection => this.#onConnectionGone(connection),
      onInternalError: error => log.error({ err: error }, 'a connection failed inside the server'),
    }
    this.#openings = new Openings(settings, secureContextOf(settings), this.#traffic, this)
    this.#gauges = new Gauges(this.#connections, codec, settings.codecThreads)
    this.#departure = new Departure(this.#connections, this.#openings, settings.drainTimeout, cut => this.#exit(cut))
    this.#timers = [
      setInterval(() => this.#sendSnapshot(0), SNAPSHOT_INTERVAL),
      setInterval(() => this.#sweep(), sweepInterval(settings)),
    ]
  }

  onMessage(message: Exclude<ToWorker, Start>): void {
    if (message.type === 'revoke') this.#revoke(message.id)
    else if (message.type === 'snapshot-request') this.#sendSnapshot(message.question)
    else if (message.type === 'list-connections')
      send({ type: 'connections', question: message.question, connections: this.#archive.list(message.filter) })
    else if (message.type === 'tell-connection')
      send({ type: 'connection', question: message.question, report: this.#archive.get(message.id) ?? null })
    else if (message.type === 'leave') this.#leave(message.when)
  }

  onUpgraded(id: number, upgraded: Upgraded): void {
    const { stream, socket, head, agreement } = upgraded
    const recorder = this.#settings.reports > 0 ? this.#archive.opened(openedOf(id, this.#number, upgraded)) : undefined
    const connection = new Connection(this.#context, id, agreement.deflate, recorder)
    this.#connections.set(id, connection)
    this.#collector.handshakeDone()
    const transport =
      SharedBufferTransport.over(socket, connection.traffic, connection) ??
      new StreamTransport(stream, socket, connection.traffic, connection)
    connection.start(transport, head)
  }

  onGone(id: number, cut = false): void {
    this.handovers.ended(id)
    if (this.#leaving) this.#departure.onGone(cut)
  }

  /** The primary gave the connection to another worker meanwhile, which is rare: ours has said nothing yet. */
  #revoke(id: number): void {
    if (this.handovers.revoke(id)) return
    this.#openings.drop(id)
    this.#connections.get(id)?.destroy('another worker serves it')
  }

  onTaken({ id, admission }: Handover, handle: object): void {
    this.#openings.take(id, socketOf(handle, this.#settings.tlsCert === undefined), admission)
  }

  tell(changes: Changes, written: () => void): void {
    send(changes, written)
  }

  #onConnectionGone(connection: Connection): void {
    const { id, recorder, dropped } = connection
    this.#connections.delete(id)
    if (recorder !== undefined) this.#archive.closed(recorder)
    this.onGone(id, dropped)
  }

  #sweep(): void {
    const now = Math.trunc(performance.now())
    this.#openings.sweep(now)
    this.#collector.sweep(now, this.#connections.size)
    for (const connection of this.#connections.values()) connection.sweep(now)
  }

  #sendSnapshot(question: number): void {
    // What is counted and what has become of connections are known together.
    this.handovers.tell()
    this.#traffic.settle()
    send({ type: 'snapshot', question, deltas: this.#counters.takeDeltas(), gauges: this.#gauges.take() })
  }

  #leave(when: Leave['when']): void {
    this.#leaving = true
    this.handovers.leave(when)
    this.#departure.leave(when)
  }

  #exit(cut: number): void {
    for (const timer of this.#timers) clearInterval(timer)
    this.#gauges.stop()
    // A process that exits while a thread makes a zlib context is aborted by Node ("close before init").
    const closed = this.#codec.close()
    this.#sendSnapshot(0)
    send({ type: 'left', cut })
    sendInParts(this.#archive.allClosed(), send, () => void closed.then(() => process.exit(0)))
  }
}

/** What came with a handover: a bare handle, or a socket where the primary could not send one. */
function socketOf(handle: object, plain: boolean): Socket {
  if (handle instanceof Socket) return handle
  if (plain && takesReadBuffer(handle)) return new SharedBufferSocket(handle)
  return new Socket({ handle, readable: true, writable: true } as ConstructorParameters<typeof Socket>[0])
}

function openedOf(id: number, worker: number, { socket, request, response, agreement }: Upgraded): Opened {
  const { method, url, httpVersion, rawHeaders, headers } = request
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`)
  return {
    id,
    worker,
    remote: peerOf(socket),
    key: agreement.key,
    userAgent: headers['user-agent'] ?? null,
    request: lines.join('\r\n'),
    response,
    extensions: agreement.extensionsHeader ?? null,
    subprotocol: agreement.subprotocol ?? null,
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
