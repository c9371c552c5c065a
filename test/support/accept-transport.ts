// A real connection on loopback: a transport of each kind on the server's side, a plain socket or a TLS one on the other.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext } from 'node:tls'
import { Counters } from '../../src/metrics/counters.js'
import { offsetOf } from '../../src/metrics/layout.js'
import { acceptTransport } from '../../src/transport/accept.js'
import type { Transport, TransportHandler, TransportKind } from '../../src/transport/transport.js'
import { Traffic } from '../../src/worker/traffic.js'
import { certificate, privateKey } from './certificate.js'

/** Writes down what a transport tells. */
export class Listener implements TransportHandler {
  readonly events: string[] = []
  readonly chunks: Buffer[] = []
  readonly memory = new Set<ArrayBufferLike>()
  readonly #waiting = new Map<string, () => void>()
  /** Called with each chunk's length, while it is lent. */
  whenChunk: (length: number) => void = () => {}

  onChunk(chunk: Buffer, length: number): void {
    this.memory.add(chunk.buffer)
    this.chunks.push(Buffer.from(chunk.subarray(0, length)))
    this.whenChunk(length)
    this.#tell('chunk')
  }

  onProgress(): void {
    this.#tell('progress')
  }

  onEnd(): void {
    this.#tell('end')
  }

  onClosed(): void {
    this.#tell('closed')
  }

  get received(): Buffer {
    return Buffer.concat(this.chunks)
  }

  /** Resolves once the event has been told `times` times. */
  async heard(event: string, times = 1): Promise<void> {
    while (this.events.filter(each => each === event).length < times)
      await new Promise<void>(resolve => this.#waiting.set(event, resolve))
  }

  /** Resolves once so many octets have come. */
  async octets(count: number): Promise<Buffer> {
    while (this.received.length < count) await new Promise<void>(resolve => this.#waiting.set('chunk', resolve))
    return this.received
  }

  #tell(event: string): void {
    this.events.push(event)
    this.#waiting.get(event)?.()
  }
}

export interface Connected {
  readonly client: Socket
  /** The client's TCP socket: the same, but under TLS. */
  readonly socket: Socket
  readonly transport: Transport
  readonly listener: Listener
  readonly counters: Counters
  /** Octets of the sockets that are counted, once the transport was asked for the present state. */
  counted(direction: 'received' | 'sent'): number
  /** The same, without asking. */
  countedByItself(direction: 'received' | 'sent'): number
}

/**
 * @param tamper may spoil the handle before a transport is put over it
 * @param spoil is called with the client's TCP socket in the place of a TLS handshake
 */
export async function connected(
  t: { after(hook: () => void): void },
  kind: TransportKind,
  tamper: (handle: object) => void = () => {},
  spoil?: (plain: Socket) => void,
): Promise<Connected> {
  const server = createServer({ pauseOnConnect: true })
  t.after(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const accepted = nextHandle(server)
  const { port } = server.address() as AddressInfo
  const plain = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  t.after(() => plain.destroy())
  const handle = await accepted
  tamper(handle)
  if (kind === 'stream') Object.defineProperty(handle, 'useUserBuffer', { value: undefined })
  const listener = new Listener()
  const counters = new Counters()
  const files = { cert: certificate('first'), key: privateKey('first') }
  const secureContext = kind === 'tls' ? createSecureContext(files) : undefined
  const transport = acceptTransport(handle, secureContext, new Traffic(counters), listener)
  t.after(() => transport.destroy())
  spoil?.(plain)
  const client =
    kind === 'tls' && spoil === undefined ? connectTls({ socket: plain, rejectUnauthorized: false }) : plain
  client.on('error', () => {})
  plain.on('error', () => {})
  if (client !== plain) await once(client, 'secureConnect')
  const counted = (direction: 'received' | 'sent'): number => {
    // Brings the counters up to date.
    void [transport.octetsReceived, transport.octetsSent, transport.pending]
    return countedByItself(direction)
  }
  const countedByItself = (direction: 'received' | 'sent'): number =>
    counters.values[offsetOf('wire_bytes_total', { direction })]
  return { client, socket: plain, transport, listener, counters, counted, countedByItself }
}

/** The bare handle of the next connection, as the primary takes it. */
function nextHandle(server: Server): Promise<object> {
  return new Promise(resolve => {
    const { _handle: listening } = server as unknown as { _handle: { onconnection: unknown } }
    listening.onconnection = (_status: number, handle: object) => resolve(handle)
  })
}
