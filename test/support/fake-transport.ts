// A transport without a socket: keeps what a connection writes, and takes it when the test says so.

import { pino } from 'pino'
import { parse } from '../../src/cli/parse.js'
import { Codec } from '../../src/codec/codec.js'
import { Counters } from '../../src/metrics/counters.js'
import type { DeflateAgreement } from '../../src/protocol/deflate-negotiation.js'
import type { Recorder } from '../../src/report/recorder.js'
import type { Settings } from '../../src/settings.js'
import type { Transport, TransportHandler } from '../../src/transport/transport.js'
import { CodecMetrics } from '../../src/worker/codec-metrics.js'
import { Connection, type ConnectionContext, decoderRules } from '../../src/worker/connection.js'
import { MemoryBudget } from '../../src/worker/memory-budget.js'
import { MessageBlocks } from '../../src/worker/message-blocks.js'
import { Outbox } from '../../src/worker/outbox.js'
import { Pauses } from '../../src/worker/pauses.js'
import { PingTimes } from '../../src/worker/ping-times.js'
import { Traffic } from '../../src/worker/traffic.js'
import { Share, Turns } from '../../src/worker/turns.js'

const NOBODY: TransportHandler = { onChunk() {}, onProgress() {}, onEnd() {}, onClosed() {} }

export class FakeTransport implements Transport {
  readonly kind = 'tcp'
  open = true
  readonly peer = '192.0.2.1:50000'
  readonly octetsReceived = 0
  handler = NOBODY
  readonly written: Buffer[] = []
  /** Whether writes are taken at once; if not, they stay pending until `take`. */
  taking = true
  pending = 0
  unread = 0
  paused = true
  ended = false
  destroyed = false
  wasReset = false
  octetsSent = 0

  get writable(): boolean {
    return !this.ended && !this.destroyed
  }

  get unsent(): number {
    return this.pending
  }

  write(bytes: Buffer): boolean {
    this.written.push(this.taking ? Buffer.from(bytes) : bytes)
    if (this.taking) this.octetsSent += bytes.length
    else this.pending += bytes.length
    return this.taking
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }

  end(): void {
    this.ended = true
  }

  destroy(): void {
    this.destroyed = true
  }

  reset(): void {
    this.destroyed = true
    this.wasReset = true
  }

  /** The kernel takes all but `left` octets of what is pending. */
  take(left = 0): void {
    this.octetsSent += this.pending - left
    this.pending = left
  }

  get output(): Buffer {
    return Buffer.concat(this.written)
  }
}

export function settingsFor(...flags: string[]): Settings {
  const command = parse(flags, {})
  if (command.action !== 'run') throw new Error('flags do not run the service')
  return command.settings
}

/** permessage-deflate in which no message refers to another. */
export const NO_TAKEOVER: DeflateAgreement = {
  response: '',
  serverContextTakeover: false,
  clientContextTakeover: false,
  serverWindowBits: 15,
  clientWindowBits: 15,
}

export interface Bench {
  readonly connection: Connection
  readonly transport: FakeTransport
  readonly counters: Counters
  readonly traffic: Traffic
  readonly codec: Codec
  readonly blocks: MessageBlocks
  readonly budget: MemoryBudget
  readonly pauses: Pauses
  readonly errors: unknown[]
  /** Ids of the connections that are gone. */
  readonly gone: number[]
}

/** A connection with nothing around it but a fake transport; `flags` are the service's. What it does, it does in one turn. */
export function openConnection(deflate?: DeflateAgreement, ...flags: string[]): Bench {
  return openSharing(Number.POSITIVE_INFINITY, deflate, ...flags)
}

/** The same, with a report. */
export function openRecorded(recorder: Recorder, ...flags: string[]): Bench {
  return open(Number.POSITIVE_INFINITY, recorder, undefined, flags)
}

/** As `openConnection`, with a share of so many frames in each turn. */
export function openSharing(share: number, deflate?: DeflateAgreement, ...flags: string[]): Bench {
  return open(share, undefined, deflate, flags)
}

function open(
  share: number,
  recorder: Recorder | undefined,
  deflate: DeflateAgreement | undefined,
  flags: readonly string[],
): Bench {
  const settings = settingsFor(...flags)
  const counters = new Counters()
  const codec = new Codec(settings, new CodecMetrics(counters, pino({ level: 'silent' })))
  const blocks = new MessageBlocks()
  const errors: unknown[] = []
  const pauses = new Pauses(counters)
  const budget = new MemoryBudget(settings.memoryBudget / settings.workers)
  const gone: number[] = []
  const context: ConnectionContext = {
    settings,
    traffic: new Traffic(counters),
    outbox: new Outbox(),
    codec,
    blocks,
    turns: new Turns(),
    share: new Share(share),
    budget,
    pauses,
    pings: new PingTimes(),
    plainRules: decoderRules(settings, false),
    compressedRules: decoderRules(settings, true),
    onGone: ({ id }) => gone.push(id),
    onInternalError: error => errors.push(error),
    onProtocolError: () => {},
    onClosedForMemory: () => {},
  }
  const transport = new FakeTransport()
  const connection = new Connection(context, { id: 1, deflate }, transport, recorder)
  connection.start(Buffer.alloc(0))
  return { connection, transport, counters, traffic: context.traffic, codec, blocks, budget, pauses, errors, gone }
}

export function feed({ connection }: Bench, ...chunks: Buffer[]): void {
  for (const chunk of chunks) {
    // The connection may change a chunk's octets only while it has it.
    const lent = Buffer.from(chunk)
    connection.onChunk(lent, lent.length)
    lent.fill(0xee)
  }
}

/** Server frames in `octets`, which must hold nothing else. */
export function serverFrames(octets: Buffer): { fin: boolean; rsv: number; opcode: number; payload: Buffer }[] {
  const frames = []
  let at = 0
  while (at < octets.length) {
    const [first, second] = octets.subarray(at, at + 2)
    let length = second
    at += 2
    if (second === 126) length = octets.readUInt16BE(at)
    if (second === 127) length = Number(octets.readBigUInt64BE(at))
    at += second === 126 ? 2 : second === 127 ? 8 : 0
    if (second >= 128 || at + length > octets.length)
      throw new Error(`not whole server frames: ${octets.toString('hex')}`)
    frames.push({
      fin: first >= 128,
      rsv: (first >> 4) & 7,
      opcode: first & 15,
      payload: octets.subarray(at, at + length),
    })
    at += length
  }
  return frames
}
