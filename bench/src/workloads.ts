// The workloads that all peers are compared on, and where echobahn must get beside `ws` on each.

import type { LoadShape } from './load.js'

export interface Workload {
  readonly id: string
  readonly title: string
  readonly load: LoadShape
  /** CPU per message as a share of that of `ws` in the same run. */
  readonly target: { readonly atMost: number; readonly aim: number }
}

const KIB = 1024
const MIB = 1024 * KIB

export const WORKLOADS: readonly Workload[] = [
  {
    id: 'W1',
    title: '100 connections, 64-octet text, ping-pong',
    load: { connections: 100, octets: 64, depth: 1, opcode: 'text' },
    target: { atMost: 0.88, aim: 0.75 },
  },
  {
    id: 'W2',
    title: '100 connections, 64-octet binary, 32 in flight',
    load: { connections: 100, octets: 64, depth: 32, opcode: 'binary' },
    target: { atMost: 0.06, aim: 0.035 },
  },
  {
    id: 'W3',
    title: '10 connections, 64 KiB binary, 4 in flight',
    load: { connections: 10, octets: 64 * KIB, depth: 4, opcode: 'binary' },
    target: { atMost: 0.42, aim: 0.33 },
  },
  {
    id: 'W4',
    title: '4 connections, 1 MiB binary, 2 in flight',
    load: { connections: 4, octets: MIB, depth: 2, opcode: 'binary' },
    target: { atMost: 0.55, aim: 0.42 },
  },
  {
    id: 'W5',
    title: '100 connections, 256-octet JSON text compressed, ping-pong',
    load: { connections: 100, octets: 256, depth: 1, opcode: 'text', deflate: true },
    target: { atMost: 0.22, aim: 0.16 },
  },
  {
    id: 'W6',
    title: '20 connections, 16 KiB JSON text compressed, 4 in flight',
    load: { connections: 20, octets: 16 * KIB, depth: 4, opcode: 'text', deflate: true },
    target: { atMost: 0.32, aim: 0.24 },
  },
  {
    id: 'W7',
    title: '1 connection, 256-octet JSON text compressed, ping-pong',
    load: { connections: 1, octets: 256, depth: 1, opcode: 'text', deflate: true },
    target: { atMost: 0.5, aim: 0.3 },
  },
]

/** @param id must be one of W1–W7 */
export function workload(id: string): Workload {
  return WORKLOADS.find(candidate => candidate.id === id) as Workload
}
