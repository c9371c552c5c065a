// The attacks that the service has to stand, with the bounds that SECURITY.md promises.

import { randomBytes } from 'node:crypto'
import { get } from 'node:http'
import type { Socket } from 'node:net'
import { ATTACK_KINDS } from '../../bench/src/attack-kinds.js'
import { compress, FIN, maskedFrame, OPCODES, RSV1 } from '../../bench/src/load-message.js'
import { startAttack } from '../../bench/src/run-attack.js'
import { upgradeRequest } from '../../bench/src/upgrade-request.js'
import { randomControls, seededNumbers } from '../support/random-controls.js'
import type { Service } from '../support/service.js'
import type { Attack, Bounds } from './attack.js'
import { clients, flood, type Stop, silentSocket, upgradedSocket } from './hostile-socket.js'

const MIB = 2 ** 20
const MAX_MESSAGE = 16 * MIB
const HIGH_WATER = MIB
const HOSTILE = 8
const CONTROLLED = 1000
/** Seconds after which attackers stop by themselves. */
const LONGEST = 180
const DEFLATE = 'permessage-deflate; client_no_context_takeover; server_no_context_takeover'
const SMALL_WINDOW = `${DEFLATE}; server_max_window_bits=9`

/** Of an attack on the codec. */
const CODEC_BOUNDS: Bounds = { p50: 8, p99: 15, p99After: 15, givenBack: 30 }

export const ATTACKS: readonly Attack[] = [
  ...ATTACK_KINDS.map(
    ({ name }): Attack => ({
      name,
      does: `${HOSTILE} connections send them as fast as they are taken`,
      options: [],
      honest: ['plain'],
      begin: service => ofBenchmark(service, name),
      bounds: { p50: name === 'pipelined requests' ? 5 : 10, p99: 10, p99After: 10 },
    }),
  ),
  {
    name: 'unfinished messages',
    does: '200 connections send 16 MiB of a compressed message each, and not its end',
    options: ['--memory-budget', '256MiB'],
    honest: ['plain'],
    begin: ({ port }) => clients(200, () => upgradedSocket(port, DEFLATE), sendUnfinished),
    bounds: { p99: 5, memory: 256 + 150, givenBack: 30 },
  },
  {
    name: 'amplification',
    does: '8 connections send 40 messages of 73 KB that inflate to 16 MiB, and read nothing',
    options: [],
    honest: ['plain'],
    begin: ({ port }) => {
      const messages = repeated(compressedMessage(farRepetition()), 40)
      return clients(
        HOSTILE,
        () => upgradedSocket(port, SMALL_WINDOW),
        socket => socket.write(messages),
      )
    },
    bounds: { memory: (HOSTILE * (MAX_MESSAGE + HIGH_WATER)) / MIB + 96, givenBack: 30 },
  },
  {
    name: 'final blocks',
    does: '8 connections send messages of 1,000 empty final blocks',
    options: [],
    honest: ['plain', 'deflate'],
    begin: ({ port }) => flooders(port, DEFLATE, repeated(rawMessage(Buffer.alloc(2000, Buffer.from([3, 0]))), 32)),
    bounds: CODEC_BOUNDS,
  },
  {
    name: 'zeros',
    does: '8 connections send 16 MiB of zeros in 16 KB, over and over',
    options: [],
    honest: ['plain', 'deflate'],
    begin: ({ port }) => flooders(port, DEFLATE, compressedMessage(Buffer.alloc(MAX_MESSAGE))),
    bounds: CODEC_BOUNDS,
  },
  {
    name: 'replies that do not deflate',
    does: '8 connections send 1 MiB that repeats beyond the window of the replies, over and over',
    options: [],
    honest: ['plain', 'deflate'],
    begin: ({ port }) => flooders(port, SMALL_WINDOW, compressedMessage(farRepetition().subarray(0, MIB))),
    bounds: CODEC_BOUNDS,
  },
  {
    name: 'out of files',
    does: '700 connections say nothing where each process may have 400 files',
    options: ['--max-connections', '0', '--handshake-timeout', '60s'],
    openFiles: 400,
    honest: ['plain'],
    begin: async ({ port }) => {
      const sockets = Array.from({ length: 700 }, () => silentSocket(port))
      return () => {
        for (const socket of sockets) socket.destroy()
      }
    },
    bounds: { p99: 10, p99After: 10 },
  },
  {
    name: 'above the limit',
    does: '500 connections at a time, above max-connections, that ask for nothing',
    options: ['--max-connections', '60'],
    honest: ['plain'],
    begin: ({ port }) =>
      clients(
        500,
        async () => silentSocket(port).resume(),
        () => {},
      ),
    bounds: { p99: 10, p99After: 10, givenBack: 30 },
  },
  {
    name: 'refused handshakes',
    does: '8 clients send requests of 15 KiB that are refused, one after the other',
    options: ['--max-openings', '0'],
    honest: ['plain'],
    begin: ({ port }) => {
      const request = `GET /?token=${'x'.repeat(15_000)} HTTP/1.1\r\nHost: a\r\n\r\n`
      return clients(
        HOSTILE,
        async () => silentSocket(port).resume(),
        socket => socket.write(request),
      )
    },
    bounds: { p99: 10, p99After: 10, memory: 60, givenBack: 30 },
  },
  {
    name: 'controls at random',
    does: `${CONTROLLED} connections ask for one to five controls at random; a quarter of them read nothing`,
    options: [
      '--controls',
      'all',
      '--controls-hold-timeout',
      '5s',
      '--max-openings',
      '0',
      '--memory-budget',
      '256MiB',
      '--reports',
      '100',
    ],
    honest: ['plain', 'deflate'],
    begin: controlsAtRandom,
    bounds: { p99: 10, p99After: 10, memory: 256 + 150, givenBack: 30 },
  },
  {
    name: 'lists of connections',
    does: '8 askers of the largest page there is, again and again, with 2,000 connections open',
    options: ['--ping-interval', '0', '--ping-timeout', '0'],
    honest: ['plain'],
    prepare: ({ port }) =>
      clients(
        2000,
        () => upgradedSocket(port),
        socket => socket.resume(),
      ),
    begin: askers,
    bounds: { p99: 3, p99After: 3 },
  },
]

async function ofBenchmark({ port }: Service, kind: string): Promise<Stop> {
  const { signal } = new AbortController()
  const attack = await startAttack({ cores: [], signal }, port, { kind, connections: HOSTILE, seconds: LONGEST })
  return () => void attack.stop().catch(() => {})
}

function flooders(port: number, offer: string, octets: Buffer): Promise<Stop> {
  return clients(
    HOSTILE,
    () => upgradedSocket(port, offer),
    socket => flood(socket, octets),
  )
}

/** Each connection is used once for some messages and a Close; when it has ended another takes its place. */
function controlsAtRandom({ port }: Service): Promise<Stop> {
  const below = seededNumbers(20_261_126)
  const messages = Buffer.concat([
    maskedFrame(FIN | OPCODES.text, Buffer.from('héllo')),
    maskedFrame(FIN | OPCODES.ping, Buffer.from('ping')),
    maskedFrame(FIN | OPCODES.binary, Buffer.alloc(50_000)),
    maskedFrame(FIN | OPCODES.close, Buffer.alloc(0)),
  ])
  return clients(
    CONTROLLED,
    async () => silentSocket(port),
    socket => {
      const { head } = upgradeRequest(`/?${randomControls(below)}`, `127.0.0.1:${port}`, true)
      socket.write(head)
      socket.write(messages)
      if (below(4) !== 0) socket.resume()
    },
    10_000,
  )
}

async function askers({ adminPort }: Service): Promise<Stop> {
  let stopped = false
  const ask = (): void => {
    if (stopped) return
    get({ host: '127.0.0.1', port: adminPort, path: '/connections?limit=1000' }, response => {
      response.resume().on('close', ask)
    }).on('error', ask)
  }
  for (let i = 0; i < HOSTILE; i++) ask()
  return () => {
    stopped = true
  }
}

/** The beginning of a compressed message that may be as long as it is. */
function sendUnfinished(socket: Socket): void {
  const payload = compress(randomBytes(MIB))
  const frame = maskedFrame(RSV1 | OPCODES.binary, payload)
  const more = maskedFrame(OPCODES.continuation, payload)
  socket.resume().write(frame)
  for (let sent = 2; sent < MAX_MESSAGE / MIB; sent++) socket.write(more)
}

/** 16 MiB that deflate to 73 KB where a repetition 16 KiB back can be seen, and not where the window is smaller. */
function farRepetition(): Buffer {
  return Buffer.alloc(MAX_MESSAGE, randomBytes(16 * 1024))
}

function compressedMessage(payload: Buffer): Buffer {
  return rawMessage(compress(payload))
}

/** @param deflated as it is on the wire */
function rawMessage(deflated: Buffer): Buffer {
  return maskedFrame(FIN | RSV1 | OPCODES.binary, deflated)
}

function repeated(octets: Buffer, times: number): Buffer {
  return Buffer.alloc(octets.length * times, octets)
}
