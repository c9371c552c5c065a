// Traffic to look at: echoes of several kinds and what goes wrong, at rates that rise and fall. It keeps books of it all.

import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { WebSocket } from 'ws'
import type { ProtocolErrorCode } from '../../src/errors.js'
import { BINARY, CLOSE, CONTINUATION, PING, TEXT } from '../../src/protocol/opcodes.js'
import { deflateMessage } from './deflate-message.js'
import { CountedClient, Ledger } from './ledger.js'
import { clientFrame, closePayload, type FrameParts, RawClient, requestHead, UPGRADE_HEADERS } from './raw-client.js'
import type { Service } from './service.js'

/** Options that the service needs for all of this to happen. */
export const LOAD_OPTIONS = ['--max-connections-per-ip', '200', '--slow-reader-timeout', '3s', '--ping-interval', '0']

/** Counters of which the load keeps complete books. */
export const BOOKS: ReadonlySet<string> = new Set(
  [
    ...['frames', 'messages', 'message_bytes', 'wire_bytes', 'connections'],
    ...['connections_rejected', 'handshakes', 'closes', 'protocol_errors'],
  ].map(name => `echobahn_${name}_total`),
)

const MOST_PER_ADDRESS = 200
/** Has as many connections as it may; the other clients share so many others, so that none is crowded on a slow machine. */
const CROWDED_ADDRESS = '127.0.0.2'
const ADDRESSES = 100

const OFFER = 'Sec-WebSocket-Extensions: permessage-deflate'
const OLD_VERSION = 'Sec-WebSocket-Version: 12'
const WORDS = 'an echo is what you get back, octet by octet, however often and however fast you call; '

/** Between two looks at the service's counts. */
const POLL_MILLISECONDS = 200
const PACE_MILLISECONDS = 20
const LONG_VISIT_MILLISECONDS = 4000

/** All rates rise and fall by this share of their mean, in waves of so many seconds. */
const WAVE_HEIGHT = 0.6
const WAVE_SECONDS = 60

interface Violation {
  readonly perSecond: number
  readonly code: ProtocolErrorCode
  readonly close: number
  readonly octets: Buffer
}

const VIOLATIONS: readonly Violation[] = [
  { perSecond: 8, code: 'ECHOBAHN_RESERVED_BITS', close: 1002, octets: clientFrame({ opcode: TEXT, rsv: 2 }) },
  { perSecond: 6, code: 'ECHOBAHN_RESERVED_OPCODE', close: 1002, octets: clientFrame({ opcode: 3 }) },
  { perSecond: 5, code: 'ECHOBAHN_UNMASKED_FRAME', close: 1002, octets: Buffer.from([0x81, 0x00]) },
]

/** Whose octets go into the books when asked. */
interface Metered {
  countOctets(): void
}

export class MixedLoad {
  readonly #service: Service
  readonly #ledger = new Ledger()
  readonly #open = new Set<Metered>()
  readonly #sockets = new Set<Socket>()
  readonly #timers: NodeJS.Timeout[] = []
  readonly #failures: unknown[] = []
  #stopped = false
  #made = 0

  /** @param service runs with `LOAD_OPTIONS` */
  constructor(service: Service) {
    this.#service = service
  }

  /** Resolves once every lasting connection is open and all else has begun. */
  async start(): Promise<void> {
    await this.#crowd()
    await this.#echoes()
    this.#episodes()
  }

  /**
   * Begins nothing more, and waits until all that is under way has ended and the service has counted what the clients did.
   *
   * @returns the books, by series
   */
  async settle(): Promise<ReadonlyMap<string, number>> {
    for (const timer of this.#timers) clearInterval(timer)
    for (;;) {
      for (const client of this.#open) client.countOctets()
      const books = new Map([...this.#ledger.counts].filter(([series]) => BOOKS.has(series.split('{', 1)[0])))
      const metrics = await this.#service.metrics()
      if (this.#failures.length > 0) throw this.#failures[0]
      if ([...books].every(([series, count]) => metrics.get(series) === count)) return books
      await delay(POLL_MILLISECONDS)
    }
  }

  /** @throws the first error of a client, if there was one. */
  stop(): void {
    this.#stopped = true
    for (const timer of this.#timers) clearInterval(timer)
    for (const socket of this.#sockets) socket.destroy()
    if (this.#failures.length > 0) throw this.#failures[0]
  }

  /** Sends much and reads nothing until the service drops it. In no books: how much of it was echoed, nobody can tell. */
  async readSlowly(): Promise<void> {
    const client = new RawClient(this.#connect())
    client.write(requestHead())
    await client.readHead()
    client.socket.pause()
    const frame = clientFrame({ opcode: BINARY, payload: Buffer.alloc(64 * 1024) })
    for (let i = 0; i < 256; i++) client.socket.write(frame)
    await this.#service.until(
      () => this.#service.metrics(),
      metrics => metrics.get('echobahn_slow_reader_closes_total') === 1,
    )
    client.destroy()
  }

  /** Idle connections from one address, up to the limit. */
  async #crowd(): Promise<void> {
    for (let i = 0; i < MOST_PER_ADDRESS; i++) await this.#accepted([], CROWDED_ADDRESS)
  }

  async #echoes(): Promise<void> {
    await this.#echo(40, [], { opcode: TEXT, payload: WORDS })
    await this.#echo(20, [], { opcode: BINARY, payload: Buffer.alloc(4096, 7) })
    await this.#echo(
      8,
      [],
      { fin: false, opcode: TEXT, payload: WORDS },
      { opcode: PING, payload: 'in between' },
      { opcode: CONTINUATION, payload: WORDS },
    )
    await this.#echo(30, [OFFER], { rsv: 4, opcode: TEXT, payload: deflateMessage(records(10)) })
    // Long enough to go to a codec thread.
    await this.#echo(6, [OFFER], { rsv: 4, opcode: BINARY, payload: deflateMessage(records(1000)) })
    await this.#wsEcho(25, records(20), true)
    await this.#wsEcho(15, Buffer.alloc(1000, 1), false)
  }

  #episodes(): void {
    this.#often(8, () => this.#visit(closePayload(1000), 1000, 0))
    this.#often(10, () => this.#visit(closePayload(4000, 'done'), '4xxx', LONG_VISIT_MILLISECONDS))
    this.#often(4, () => this.#visitDelayed())
    for (const violation of VIOLATIONS) this.#often(violation.perSecond, () => this.#violate(violation))
    this.#often(7, () => this.#refused(requestHead([UPGRADE_HEADERS[0]]), 'not_upgrade'))
    this.#often(5, () => this.#refused(requestHead([...UPGRADE_HEADERS.slice(0, 4), OLD_VERSION]), 'bad_version'))
    this.#often(6, async () => {
      await this.#refused(requestHead(), 'max_connections_per_ip', CROWDED_ADDRESS)
      this.#ledger.add('connections_rejected_total', { reason: 'max_connections_per_ip' })
    })
  }

  /** Sends the frames again and again, and reads what comes. */
  async #echo(perSecond: number, headers: readonly string[], ...frames: FrameParts[]): Promise<void> {
    const client = await this.#accepted(headers)
    this.#paced(perSecond, () => client.send(...frames))
    this.#watch(async () => {
      for (;;) await client.receive()
    })
  }

  /** The same with a client of `ws`, which sends a message as one frame and gets it as one. */
  async #wsEcho(perSecond: number, message: string | Buffer, compressed: boolean): Promise<void> {
    const opcode = typeof message === 'string' ? 'text' : 'binary'
    const enter = (direction: 'received' | 'sent'): void => {
      this.#ledger.add('frames_total', { direction, opcode })
      this.#ledger.add('messages_total', { direction, opcode })
      this.#ledger.add('message_bytes_total', { direction, opcode }, message.length)
    }
    const socket = this.#connect()
    const meter = new SocketMeter(socket, this.#ledger)
    const options = { perMessageDeflate: compressed && { threshold: 0 }, createConnection: () => socket }
    const client = new WebSocket(this.#service.url, options)
    client.on('error', error => this.#failed(error))
    client.on('message', () => enter('sent'))
    await new Promise(resolve => client.once('open', resolve))
    this.#enterAccepted(meter)
    this.#paced(perSecond, () => {
      enter('received')
      client.send(message)
    })
  }

  async #visit(close: Buffer, code: number | string, milliseconds: number): Promise<void> {
    const client = await this.#accepted([])
    client.send({ opcode: TEXT, payload: 'hello' })
    await delay(milliseconds)
    client.send({ opcode: CLOSE, payload: close })
    await this.#finish(client)
    this.#ledger.add('closes_total', { initiator: 'client', code })
  }

  /** Its echo is late because its URL says so. */
  async #visitDelayed(): Promise<void> {
    const client = await this.#accepted([], undefined, '/?eb-delay=20ms')
    client.send({ opcode: TEXT, payload: 'hello' })
    await client.receive()
    client.send({ opcode: CLOSE, payload: closePayload(1000) })
    await this.#finish(client)
    this.#ledger.add('closes_total', { initiator: 'client', code: 1000 })
  }

  async #violate({ code, close, octets }: Violation): Promise<void> {
    const client = await this.#accepted([])
    client.raw.write(octets)
    await this.#finish(client)
    this.#ledger.add('closes_total', { initiator: 'server', code: close })
    this.#ledger.add('protocol_errors_total', { code })
  }

  async #refused(request: string, result: string, localAddress?: string): Promise<void> {
    const client = new CountedClient(new RawClient(this.#connect(localAddress)), this.#ledger)
    client.raw.write(request)
    await client.raw.readToEnd()
    client.raw.socket.end()
    client.countOctets()
    this.#ledger.add('connections_total')
    this.#ledger.add('handshakes_total', { result })
  }

  async #accepted(headers: readonly string[], localAddress?: string, target = '/'): Promise<CountedClient> {
    const raw = new RawClient(this.#connect(localAddress))
    raw.write(requestHead([...UPGRADE_HEADERS, ...headers], `GET ${target} HTTP/1.1`))
    const head = await raw.readHead()
    if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(head)
    const client = new CountedClient(raw, this.#ledger)
    this.#enterAccepted(client)
    return client
  }

  #enterAccepted(client: Metered): void {
    this.#ledger.add('connections_total')
    this.#ledger.add('handshakes_total', { result: 'accepted' })
    this.#open.add(client)
  }

  async #finish(client: CountedClient): Promise<void> {
    await client.finish()
    this.#open.delete(client)
  }

  #connect(localAddress = `127.0.1.${1 + (this.#made++ % ADDRESSES)}`): Socket {
    const socket = connect({ port: this.#service.port, host: '127.0.0.1', localAddress, allowHalfOpen: true })
    this.#sockets.add(socket)
    return socket.once('close', () => this.#sockets.delete(socket))
  }

  #often(perSecond: number, episode: () => Promise<void>): void {
    this.#paced(perSecond, () => this.#watch(episode))
  }

  /** Calls `action` at the rate, and makes up for what a busy machine delayed. */
  #paced(perSecond: number, action: () => void): void {
    const start = performance.now()
    let done = 0
    this.#every(PACE_MILLISECONDS, () => {
      const due = Math.floor(perSecond * waved((performance.now() - start) / 1000))
      for (; done < due; done++) action()
    })
  }

  #every(milliseconds: number, action: () => void): void {
    this.#timers.push(setInterval(action, milliseconds))
  }

  #watch(run: () => Promise<void>): void {
    run().catch(error => this.#failed(error))
  }

  #failed(error: unknown): void {
    if (!this.#stopped) this.#failures.push(error)
  }
}

/** The integral from 0 to `seconds` of a rate whose mean is 1 and that comes in waves. */
function waved(seconds: number): number {
  const frequency = (2 * Math.PI) / WAVE_SECONDS
  return seconds + (WAVE_HEIGHT * (1 - Math.cos(frequency * seconds))) / frequency
}

/** JSON of so many records, which deflates about as well as JSON usually does. */
function records(count: number): string {
  const record = (_: unknown, i: number) => ({
    id: i * 7919,
    name: WORDS.slice(i % 70, (i % 70) + 12),
    ratio: Math.sin(i),
  })
  return JSON.stringify(Array.from({ length: count }, record))
}

/** Counts the octets of a socket that another library uses. */
class SocketMeter implements Metered {
  readonly #socket: Socket
  readonly #ledger: Ledger
  #read = 0
  #written = 0

  constructor(socket: Socket, ledger: Ledger) {
    this.#socket = socket
    this.#ledger = ledger
  }

  countOctets(): void {
    const { bytesRead, bytesWritten } = this.#socket
    this.#ledger.add('wire_bytes_total', { direction: 'received' }, bytesWritten - this.#written)
    this.#ledger.add('wire_bytes_total', { direction: 'sent' }, bytesRead - this.#read)
    this.#read = bytesRead
    this.#written = bytesWritten
  }
}
