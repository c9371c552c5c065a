// Arguments of the TypeScript load client: those of wsload that the benchmark uses, --ca for wss, and --sessions
// for HTTP/2.

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

export interface LoadArguments {
  readonly host: string
  readonly port: number
  readonly path: string
  readonly connections: number
  /** Application octets of a message. */
  readonly octets: number
  /** Messages in flight on a connection. */
  readonly depth: number
  /** Of the measured window; with `count` or `idle` the most that the echoes may take. */
  readonly seconds: number
  readonly opcode: 'text' | 'binary'
  readonly deflate: boolean
  readonly warmup: number
  /** Messages on each connection, instead of a window. */
  readonly count: number | undefined
  /** Messages a second on each connection, with `count`; undefined sends the next one when an echo is back. */
  readonly rate: number | undefined
  /** Once all connections are open, say so and wait for a line on stdin, or its end. */
  readonly hold: boolean
  /** Seconds of silence after one message on each connection, instead of a window. */
  readonly idle: number | undefined
  /** PEM of the certificate that the server is known by: the load is one of wss. */
  readonly ca: Buffer | undefined
  /** Sessions of HTTP/2 that the connections are streams of; 0 for HTTP/1.1. */
  readonly sessions: number
  /** Root of the server's process tree. */
  readonly pid: number
}

/** @throws Error that names what is wrong: an argument, or a file that cannot be read. */
export function parseLoadArguments(argv: readonly string[]): LoadArguments {
  const flag = { type: 'boolean', default: false } as const
  const value = { type: 'string' } as const
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      ...{
        text: flag,
        binary: flag,
        deflate: flag,
        hold: flag,
        count: value,
        idle: value,
        pid: value,
        ca: value,
        rate: value,
        sessions: value,
      },
      warmup: { type: 'string', default: '1' },
    },
  })
  if (positionals.length !== 7) throw new Error('usage: HOST PORT PATH CONNECTIONS OCTETS DEPTH SECONDS [OPTIONS]')
  const [host, port, path, ...numbers] = positionals
  const [connections, octets, depth, seconds] = numbers.map(quantity)
  return {
    ...{ host, port: quantity(port), path, connections, octets, depth, seconds },
    opcode: values.binary ? 'binary' : 'text',
    deflate: values.deflate,
    hold: values.hold,
    warmup: quantity(values.warmup),
    count: values.count === undefined ? undefined : quantity(values.count),
    idle: values.idle === undefined ? undefined : quantity(values.idle),
    rate: values.rate === undefined ? undefined : quantity(values.rate),
    ca: values.ca === undefined ? undefined : readFileSync(values.ca),
    sessions: quantity(values.sessions ?? '0'),
    pid: quantity(values.pid ?? ''),
  }
}

function quantity(text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new Error(`not a number: ${text || 'nothing'}`)
  return Number(text)
}
