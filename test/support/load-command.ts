// Runs `echobahn load`, in a process of its own or in this one, and servers that behave as a test wants.

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { parseLoad } from '../../src/cli/load-parse.js'
import { Conductor } from '../../src/load/conductor.js'
import { renderOutcome } from '../../src/load/outcome-file.js'
import { exitCode, judge } from '../../src/load/thresholds.js'
import { writeHeader } from '../../src/protocol/frame-encoder.js'
import { endWithUs } from './watchdog.js'

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))

export interface LoadRun {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs it to its end; a test's own time limit bounds that. */
export async function load(...argv: string[]): Promise<LoadRun> {
  const child = spawn(process.execPath, [MAIN, 'load', ...argv], { stdio: ['ignore', 'pipe', 'pipe'] })
  endWithUs(child)
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { code, stdout, stderr }
}

/** The parts of a results file that tests look at. */
export interface LoadFile {
  readonly loop: string
  readonly seconds: number
  readonly counts: {
    readonly messages: { readonly due: number; readonly sent: number; readonly echoed: number }
    readonly pings: { readonly sent: number; readonly answered: number }
    readonly connections: { readonly attempted: number; readonly opened: number; readonly ended: number }
    readonly faults: Readonly<Record<string, number>>
    readonly ordered: Readonly<Record<string, number>>
    readonly handshakes: Readonly<Record<string, number>>
    readonly closes: Readonly<Record<string, number>>
    readonly violations: Readonly<Record<string, number>>
  }
  readonly traffic: Readonly<
    Record<
      'sent' | 'received',
      {
        readonly octets: number
        readonly frames: Readonly<Record<string, number>>
        readonly payload: Readonly<Record<string, number>>
      }
    >
  >
  readonly summary: Readonly<
    Record<string, { readonly count: number; readonly percentiles: Readonly<Record<string, number>> }>
  >
  readonly timeline: readonly { readonly at: number; readonly echoed: number }[]
  readonly notes: readonly string[]
  readonly comparison?: { readonly compared: number; readonly totals: string; readonly mismatches: readonly string[] }
}

/** Runs it with a file for the results, and reads them. */
export async function loadResults(
  ...argv: string[]
): Promise<LoadRun & { readonly file: string; readonly results: LoadFile }> {
  const file = join(mkdtempSync(join(tmpdir(), 'echobahn-load-')), 'results.json')
  const run = await load(...argv, '--json', file)
  try {
    return { ...run, file, results: JSON.parse(readFileSync(file, 'utf8')) }
  } catch (error) {
    throw new Error(`no results: ${JSON.stringify(run)}`, { cause: error })
  }
}

/** Runs it in this process, whose threads make the load: only what the command line asks for, exit code and results. */
export async function loadHere(...argv: string[]): Promise<{ readonly code: number; readonly results: LoadFile }> {
  const command = parseLoad(argv)
  if (command.action !== 'load') throw new Error(`no load: ${argv.join(' ')}`)
  const { settings } = command
  const outcome = await new Conductor(settings, 'echobahn-load', () => {}).run()
  return { code: exitCode(outcome, judge(settings.max, outcome)), results: JSON.parse(renderOutcome(outcome)) }
}

export function faultsOf(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0))
}

/** A client's frame, unmasked. */
export interface SentFrame {
  readonly first: number
  readonly opcode: number
  readonly payload: Buffer
}

/** One connection of a server that misbehaves: what it may do. */
export interface Peer {
  readonly socket: Socket
  /** Number of the connection, from 0. */
  readonly index: number
  /** Number of the data frame at hand, from 0. */
  readonly count: number
  send(first: number, payload: Buffer | string): void
}

export interface Misbehaviour {
  /** Answers a data frame; a Close is answered without asking. */
  readonly onFrame?: (frame: SentFrame, peer: Peer) => void
  /** Answers the request itself. @returns whether it did */
  readonly onRequest?: (head: string, socket: Socket, index: number) => boolean
}

export function echo(frame: SentFrame, peer: Peer): void {
  peer.send(frame.first, frame.payload)
}

/** A server on a free port, which ends with the test. @returns its URL */
export async function startMisbehaving(
  t: { after(hook: () => void): void },
  { onFrame = echo, onRequest = () => false }: Misbehaviour,
): Promise<string> {
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer({ noDelay: true }, socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    serve(socket, connections++, onFrame, onRequest)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

function serve(
  socket: Socket,
  index: number,
  onFrame: (frame: SentFrame, peer: Peer) => void,
  onRequest: (head: string, socket: Socket, index: number) => boolean,
): void {
  let octets: Buffer = Buffer.alloc(0)
  let isOpen = false
  let count = 0
  const send = (first: number, payload: Buffer | string): void => {
    if (socket.writable) socket.write(frameOf(first, payload))
  }
  socket.on('data', chunk => {
    octets = Buffer.concat([octets, chunk])
    if (!isOpen) {
      const end = octets.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = octets.toString('latin1', 0, end)
      octets = octets.subarray(end + 4)
      if (onRequest(head, socket, index)) return
      socket.write(acceptanceOf(head))
      isOpen = true
    }
    for (;;) {
      const taken = takeFrame(octets)
      if (taken === undefined) return
      octets = taken.rest
      const { opcode, payload } = taken.frame
      if (opcode === 8) {
        send(0x88, payload)
        socket.end()
      } else if (opcode === 9) send(0x8a, payload)
      else onFrame(taken.frame, { socket, index, count: count++, send })
    }
  })
}

export function frameOf(first: number, payload: Buffer | string): Buffer {
  const body = Buffer.from(payload as string)
  const header = Buffer.alloc(10)
  return Buffer.concat([header.subarray(0, writeHeader(header, 0, first, body.length)), body])
}

/** A 101 for this request. */
export function acceptanceOf(head: string, ...fields: string[]): string {
  const key = /^sec-websocket-key: *(\S+)/im.exec(head)?.[1]
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${accept}`,
  ]
  return [...lines, ...fields, '', ''].join('\r\n')
}

/** The first frame, if it is whole. */
export function takeFrame(octets: Buffer): { frame: SentFrame; rest: Buffer } | undefined {
  if (octets.length < 2) return undefined
  const short = octets[1] & 0x7f
  const header = short < 126 ? 2 : short === 126 ? 4 : 10
  if (octets.length < header + 4) return undefined
  const length = short < 126 ? short : short === 126 ? octets.readUInt16BE(2) : Number(octets.readBigUInt64BE(2))
  const start = header + 4
  if (octets.length < start + length) return undefined
  const mask = octets.subarray(header, start)
  const payload = Buffer.from(octets.subarray(start, start + length).map((octet, i) => octet ^ mask[i & 3]))
  return { frame: { first: octets[0], opcode: octets[0] & 0x0f, payload }, rest: octets.subarray(start + length) }
}
