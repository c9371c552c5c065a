// The workloads that all peers are compared on, and where echobahn must get on each.

import { type Baseline, BETTER_PEER, WS } from './baselines.js'
import type { LoadShape } from './load.js'

export interface Workload {
  readonly id: string
  readonly title: string
  readonly load: LoadShape
  readonly bound: Bound
}

/** CPU per message as a share of that of a baseline in the same run. */
export interface Bound {
  readonly to: Baseline
  readonly atMost: number
  readonly aim?: number
}

const KIB = 1024
const MIB = 1024 * KIB
/** What the public HttpArena leaderboard has its clients send: `hello`. */
const HELLO = 5

export const WORKLOADS: readonly Workload[] = [
  {
    id: 'W1',
    title: '100 connections, 64-octet text, ping-pong',
    load: { connections: 100, octets: 64, depth: 1, opcode: 'text' },
    bound: { to: BETTER_PEER, atMost: 1.2, aim: 1.1 },
  },
  {
    id: 'W2',
    title: '100 connections, 64-octet binary, 32 in flight',
    load: { connections: 100, octets: 64, depth: 32, opcode: 'binary' },
    bound: { to: BETTER_PEER, atMost: 1.05, aim: 0.95 },
  },
  {
    id: 'W3',
    title: '10 connections, 64 KiB binary, 4 in flight',
    load: { connections: 10, octets: 64 * KIB, depth: 4, opcode: 'binary' },
    bound: { to: BETTER_PEER, atMost: 0.9, aim: 0.8 },
  },
  {
    id: 'W4',
    title: '4 connections, 1 MiB binary, 2 in flight',
    load: { connections: 4, octets: MIB, depth: 2, opcode: 'binary' },
    bound: { to: BETTER_PEER, atMost: 0.95, aim: 0.8 },
  },
  {
    id: 'W5',
    title: '100 connections, 256-octet JSON text compressed, ping-pong',
    load: { connections: 100, octets: 256, depth: 1, opcode: 'text', deflate: true },
    bound: { to: BETTER_PEER, atMost: 1.2, aim: 1.05 },
  },
  {
    id: 'W6',
    title: '20 connections, 16 KiB JSON text compressed, 4 in flight',
    load: { connections: 20, octets: 16 * KIB, depth: 4, opcode: 'text', deflate: true },
    bound: { to: BETTER_PEER, atMost: 0.85, aim: 0.7 },
  },
  {
    id: 'W7',
    title: '1 connection, 256-octet JSON text compressed, ping-pong',
    load: { connections: 1, octets: 256, depth: 1, opcode: 'text', deflate: true },
    bound: { to: BETTER_PEER, atMost: 1.25, aim: 1.1 },
  },
  {
    id: 'W8',
    title: '100 connections, 64-octet text, ping-pong, over TLS 1.3; load by the TypeScript client',
    load: { connections: 100, octets: 64, depth: 1, opcode: 'text', tls: true },
    bound: { to: WS, atMost: 1.05 },
  },
  {
    id: 'A1',
    title: '512 connections, 5-octet text, ping-pong',
    load: { connections: 512, octets: HELLO, depth: 1, opcode: 'text' },
    bound: { to: BETTER_PEER, atMost: 1.2, aim: 1.05 },
  },
  {
    id: 'A2',
    title: '4,096 connections, 5-octet text, ping-pong',
    load: { connections: 4096, octets: HELLO, depth: 1, opcode: 'text' },
    bound: { to: BETTER_PEER, atMost: 1.25, aim: 1.1 },
  },
  {
    id: 'A3',
    title: '512 connections, 5-octet text, 16 in flight',
    load: { connections: 512, octets: HELLO, depth: 16, opcode: 'text' },
    bound: { to: BETTER_PEER, atMost: 1.1, aim: 0.95 },
  },
  {
    id: 'A4',
    title: '4,096 connections, 5-octet text, 16 in flight',
    load: { connections: 4096, octets: HELLO, depth: 16, opcode: 'text' },
    bound: { to: BETTER_PEER, atMost: 1.15, aim: 1 },
  },
]

/** @param id must be one of `WORKLOADS` */
export function workload(id: string): Workload {
  return WORKLOADS.find(candidate => candidate.id === id) as Workload
}
