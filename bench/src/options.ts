// The command line of the benchmark.

import { parseArgs } from 'node:util'
import { EXPERIMENT_IDS } from './experiments.js'
import { PEER_NAMES, type PeerName } from './peers.js'
import { LOAD_CLIENTS, type LoadProgram } from './wsload.js'

export const USAGE = `Measures echobahn beside other WebSocket servers in one run.

npm run bench -- [OPTIONS]

  --only LIST      of ${EXPERIMENT_IDS.join(', ')} (default: all)
  --peers LIST     of ${PEER_NAMES.join(', ')} (default: all); ratios are to ws, and to the better of bun and uws
  --rounds N       times that everything is measured (default: 5)
  --seconds N      measured seconds of each load, after one of warm-up (default: 2)
  --workers N      workers of echobahn and ws-cluster, and cores of every server in the workloads, idle, handshakes and fairness
                   (default: 1); attack has two of each
  --client NAME    what makes the load: wsload, which needs gcc and zlib's headers, or ts (default: wsload)
  --json FILE      where all figures go (default: bench/results/ and the time)
  --help`

export interface Options {
  /** Ids of experiments. */
  readonly only: readonly string[]
  readonly peers: readonly PeerName[]
  readonly rounds: number
  readonly seconds: number
  readonly workers: number
  readonly client: LoadProgram['name']
  readonly json: string | undefined
  readonly help: boolean
}

/** The command line cannot be followed; the message says why. */
export class UsageError extends Error {}

/** @throws UsageError */
export function parseOptions(argv: readonly string[]): Options {
  const values = flagsOf(argv)
  return {
    only: listOf('--only', values.only, EXPERIMENT_IDS),
    peers: listOf('--peers', values.peers, PEER_NAMES),
    rounds: wholeNumber('--rounds', values.rounds),
    seconds: wholeNumber('--seconds', values.seconds),
    workers: wholeNumber('--workers', values.workers),
    client: oneOf('--client', values.client, LOAD_CLIENTS),
    json: values.json,
    help: values.help,
  }
}

function flagsOf(argv: readonly string[]) {
  const value = { type: 'string' } as const
  try {
    return parseArgs({
      args: [...argv],
      options: {
        ...{ only: value, peers: value, json: value },
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '2' },
        workers: { type: 'string', default: '1' },
        client: { type: 'string', default: 'wsload' },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** The allowed values that the list names, in their own order; all without a list. */
function listOf<T extends string>(flag: string, list: string | undefined, allowed: readonly T[]): readonly T[] {
  if (list === undefined) return allowed
  const chosen = list.split(',').map(name => oneOf(flag, name, allowed))
  return allowed.filter(name => chosen.includes(name))
}

function oneOf<T extends string>(flag: string, name: string, allowed: readonly T[]): T {
  const found = allowed.find(candidate => candidate === name)
  if (found === undefined) throw new UsageError(`${flag} knows ${allowed.join(', ')}, not ${name}`)
  return found
}

function wholeNumber(flag: string, value: string): number {
  if (!/^[1-9]\d{0,2}$/.test(value)) throw new UsageError(`${flag} takes a number from 1 to 999, not ${value}`)
  return Number(value)
}
