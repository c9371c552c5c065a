// The load's own metrics for Prometheus, while it runs.

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Counter, Gauge, Registry } from 'prom-client'
import { ExitError } from '../errors.js'
import type { LiveState } from './conductor.js'
import { percentile } from './latencies.js'
import { LOAD_METRICS, LOAD_PREFIX } from './metrics-catalogue.js'
import { FAULTS, type Fault } from './orders.js'
import { RECEIVED, SENT, WIRE } from './traffic.js'

const HOST = '127.0.0.1'
const QUANTILES = [0.5, 0.9, 0.99, 0.999, 1] as const

export class MetricsServer {
  readonly registry = new Registry()
  readonly #server: Server
  readonly #messages = this.#counter('messages_total')
  readonly #errors = this.#counter('errors_total')
  readonly #ordered = this.#counter('ordered_total')
  readonly #octets = this.#counter('wire_bytes_total')
  readonly #connections = this.#gauge('connections')
  readonly #flying = this.#gauge('in_flight')
  readonly #busy = this.#gauge('busy_ratio')
  readonly #latency = this.#gauge('echo_latency_seconds')

  constructor() {
    this.#server = createServer(async (request, response) => {
      const found = request.url === '/metrics'
      response.writeHead(found ? 200 : 404, { 'Content-Type': found ? this.registry.contentType : 'text/plain' })
      response.end(found ? await this.registry.metrics() : 'the metrics are at /metrics\n')
    })
  }

  /**
   * @param port 0 takes a free one
   * @returns the URL of the metrics
   * @throws ExitError of code ECHOBAHN_LOAD_FAILED when the port is taken
   */
  async listen(port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', ({ code }: NodeJS.ErrnoException) =>
        reject(new ExitError('ECHOBAHN_LOAD_FAILED', `--metrics-port=${port}: ${code}`)),
      )
      this.#server.listen(port, HOST, resolve)
    })
    return `http://${HOST}:${(this.#server.address() as AddressInfo).port}/metrics`
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  update({ counts, traffic, open, flying, busy, lastSecond }: LiveState): void {
    // The threads tell sums, and a counter only takes what is to be added.
    for (const counter of [this.#messages, this.#errors, this.#ordered, this.#octets]) counter.reset()
    for (const state of ['due', 'sent', 'echoed'] as const) this.#messages.inc({ state }, counts.messages[state])
    for (const kind of FAULTS) {
      this.#errors.inc({ kind: kindLabel(kind) }, counts.faults[kind])
      this.#ordered.inc({ kind: kindLabel(kind) }, counts.ordered[kind])
    }
    this.#octets.inc({ direction: 'sent' }, traffic[SENT + WIRE])
    this.#octets.inc({ direction: 'received' }, traffic[RECEIVED + WIRE])
    this.#connections.set(open)
    this.#flying.set(flying)
    this.#busy.set(busy)
    if (lastSecond === undefined) return
    for (const quantile of QUANTILES)
      this.#latency.set({ quantile: String(quantile) }, percentile(lastSecond, quantile * 100) / 1000)
  }

  #counter(name: keyof typeof LOAD_METRICS): Counter {
    return new Counter(this.#describe(name))
  }

  #gauge(name: keyof typeof LOAD_METRICS): Gauge {
    return new Gauge(this.#describe(name))
  }

  #describe(name: keyof typeof LOAD_METRICS) {
    const { help, labels } = LOAD_METRICS[name]
    return { name: LOAD_PREFIX + name, help, labelNames: [...labels], registers: [this.registry] }
  }
}

function kindLabel(fault: Fault): string {
  return fault.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}
