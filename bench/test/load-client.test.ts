// The TypeScript load client against a real server of ws, which is started and ended as in the benchmark.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { LoadRequest } from '../src/load.js'
import { http2PeerCommand, peerCommand } from '../src/peers.js'
import { identityOf } from '../src/process-tree.js'
import { runLoad } from '../src/run-load.js'
import { Server } from '../src/server.js'
import { loadProgram } from '../src/wsload.js'

const { command } = loadProgram('ts')
const runner = { command, cores: [], signal: new AbortController().signal }

let server: Server
before(async () => {
  server = await Server.start(peerCommand('ws', 1), [])
})
after(() => server.stop())

test('a count of compressed messages comes back, verified', async () => {
  const request: LoadRequest = {
    ...{ connections: 3, octets: 2000, depth: 2, opcode: 'text', deflate: true },
    span: { count: 50, bound: 30 },
  }
  const result = await runLoad(runner, server, request)
  assert.equal(result.messages, 150)
  assert.equal(result.compressedShare, 1)
  assert.ok(result.replyOctets < 2000)
  assert.ok(result.latency.p50 <= result.latency.p99 && result.latency.p99 <= result.latency.max)
})

test('a window of large binary messages', async () => {
  const request: LoadRequest = {
    ...{ connections: 2, octets: 1024 * 1024, depth: 2, opcode: 'binary' },
    span: { seconds: 1, warmup: 0 },
  }
  const { messages, replyOctets, compressedShare } = await runLoad(runner, server, request)
  assert.ok(messages > 0)
  assert.equal(replyOctets, 1024 * 1024)
  assert.equal(compressedShare, 0)
})

test('a server that closes is an error of the load', async () => {
  // One octet above what the server takes: it closes with 1009.
  const request: LoadRequest = {
    ...{ connections: 1, octets: 16 * 1024 * 1024 + 1, depth: 1, opcode: 'binary' },
    span: { count: 1, bound: 30 },
  }
  await assert.rejects(runLoad(runner, server, request), /errors, the first: /)
})

test('a stopped server is gone, and its workers with it', async () => {
  const cluster = await Server.start(peerCommand('ws-cluster', 2), [])
  await cluster.stop()
  assert.equal(identityOf(cluster.pid), undefined)
  await assert.rejects(
    runLoad(runner, cluster, {
      ...{ connections: 1, octets: 1, depth: 1, opcode: 'text' },
      span: { count: 1, bound: 5 },
    }),
  )
})

test('a server that cannot start says why', async () => {
  await assert.rejects(
    Server.start([process.execPath, '--eval', 'throw new Error("no such luck")'], []),
    /no such luck/,
  )
})

test('streams of HTTP/2 sessions, against the peer that W9 has', async t => {
  const peer = await Server.start(http2PeerCommand(), [])
  t.after(() => peer.stop())
  for (const octets of [64, 2000]) {
    const request: LoadRequest = {
      ...{ connections: 10, octets, depth: 2, opcode: 'text', sessions: 4 },
      span: { count: 20, bound: 30 },
    }
    const { messages, replyOctets } = await runLoad(runner, peer, request)
    assert.deepEqual([messages, replyOctets], [200, octets])
  }
})
