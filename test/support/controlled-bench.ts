// A connection with controls without a socket, and with a clock that the test moves.

import { pino } from 'pino'
import { Codec } from '../../src/codec/codec.js'
import type { ControlName } from '../../src/control-names.js'
import { ActiveControls } from '../../src/controls/active.js'
import { readControls } from '../../src/controls/parse.js'
import { Counters } from '../../src/metrics/counters.js'
import type { DeflateAgreement } from '../../src/protocol/deflate-negotiation.js'
import { LogBlocks } from '../../src/report/log-blocks.js'
import { Recorder } from '../../src/report/recorder.js'
import { CodecMetrics } from '../../src/worker/codec-metrics.js'
import { type ConnectionContext, decoderRules } from '../../src/worker/connection.js'
import { ControlledConnection } from '../../src/worker/controlled-connection.js'
import { ControlledTransport } from '../../src/worker/controlled-transport.js'
import { MemoryBudget } from '../../src/worker/memory-budget.js'
import { MessageBlocks } from '../../src/worker/message-blocks.js'
import { Outbox } from '../../src/worker/outbox.js'
import { Pauses } from '../../src/worker/pauses.js'
import { PingTimes } from '../../src/worker/ping-times.js'
import { Traffic } from '../../src/worker/traffic.js'
import { Share, Turns } from '../../src/worker/turns.js'
import { FakeClock } from './fake-clock.js'
import { FakeTransport, serverFrames, settingsFor } from './fake-transport.js'
import { sampleOpened } from './sample-opened.js'

export const NO_TAKEOVER: DeflateAgreement = {
  response: '',
  serverContextTakeover: false,
  clientContextTakeover: false,
  serverWindowBits: 15,
  clientWindowBits: 15,
}

export class ControlledBench {
  readonly clock = new FakeClock()
  readonly transport = new FakeTransport()
  readonly counters = new Counters()
  readonly connection: ControlledConnection
  readonly controls: ActiveControls
  readonly recorder: Recorder
  readonly codec: Codec
  readonly used: ControlName[] = []
  readonly errors: unknown[] = []
  gone = false

  /** @param query controls without prefix; `flags` are the service's */
  constructor(query: string, deflate?: DeflateAgreement, ...flags: string[]) {
    const settings = settingsFor(...(flags.includes('--offload') ? [] : ['--offload', 'never']), ...flags)
    const read = readControls(query, { prefix: '', restricted: true, maxMessage: settings.maxMessage })
    if (read.problem !== undefined) throw new Error(read.problem)
    this.controls = new ActiveControls(read.controls ?? {}, 'url', name => this.used.push(name), this.clock)
    this.controls.describe = () => '{"id":1}'
    this.codec = new Codec(settings, new CodecMetrics(this.counters, pino({ level: 'silent' })))
    const context: ConnectionContext = {
      settings,
      traffic: new Traffic(this.counters),
      outbox: new Outbox(),
      codec: this.codec,
      blocks: new MessageBlocks(),
      turns: new Turns(),
      share: new Share(1e9),
      budget: new MemoryBudget(settings.memoryBudget / settings.workers),
      plainRules: decoderRules(settings, false),
      compressedRules: decoderRules(settings, true),
      onGone: () => {
        this.gone = true
      },
      onInternalError: error => this.errors.push(error),
      onClosedForMemory: () => {},
      pauses: new Pauses(this.counters),
      pings: new PingTimes(),
      onProtocolError: () => {},
    }
    const terms = { ...sampleOpened(), transport: 'tcp' as const, deflate, controls: this.controls }
    const carrier = new ControlledTransport(this.transport, this.controls)
    this.recorder = new Recorder(terms, 1, carrier, new LogBlocks())
    this.connection = new ControlledConnection(context, terms, this.controls, carrier, this.recorder)
  }

  start(behind: Buffer = Buffer.alloc(0)): this {
    this.connection.start(behind)
    return this
  }

  /** The client sends these octets. */
  feed(...chunks: Buffer[]): void {
    for (const chunk of chunks) {
      const lent = Buffer.from(chunk)
      this.transport.handler.onChunk(lent, lent.length)
      lent.fill(0xee)
    }
  }

  /** What went out since the last call, as `opcode payload`, with `…` behind frames without FIN. */
  sent(): string[] {
    const octets = Buffer.concat(this.transport.written.splice(0))
    return serverFrames(octets).map(({ opcode, payload, fin, rsv }) => {
      const shown = opcode === 8 && payload.length >= 2 ? `${payload.readUInt16BE()}${payload.subarray(2)}` : payload
      return `${rsv === 4 ? 'deflated ' : ''}${opcode} ${shown}${fin ? '' : '…'}`
    })
  }

  /** The socket is gone. */
  close(): void {
    this.transport.handler.onClosed()
  }
}
