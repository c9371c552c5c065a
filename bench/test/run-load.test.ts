// Loads that wait once all of their connections are open, and loads by the clock, with either program.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LoadRequest } from '../src/load.js'
import { runLoad } from '../src/run-load.js'
import { LOAD_CLIENTS, loadProgram } from '../src/wsload.js'
import { startEchoServer } from './support/echo-server.js'
import { frame, startFaultyServer } from './support/faulty-server.js'

const place = { cores: [], signal: new AbortController().signal }
const SHAPE = { connections: 4, octets: 20, depth: 1, opcode: 'text' } as const
const counted: LoadRequest = { ...SHAPE, span: { count: 5, bound: 30 } }

for (const client of LOAD_CLIENTS) {
  const runner = { ...place, ...loadProgram(client) }

  test(`${client}: nothing is sent before the time has come`, async t => {
    const { target, sockets } = await startEchoServer(t)
    let messages = 0
    sockets.on('connection', socket => socket.on('message', () => messages++))
    let held = false
    const result = await runLoad(runner, target, counted, async () => {
      assert.equal(sockets.clients.size, 4)
      // A round trip on each connection: what had been sent before is here.
      const pongs = [...sockets.clients].map(socket => new Promise(pong => socket.once('pong', pong)))
      for (const socket of sockets.clients) socket.ping()
      await Promise.all(pongs)
      assert.equal(messages, 0)
      held = true
    })
    assert.ok(held)
    assert.deepEqual([result.messages, messages], [20, 20])
  })

  test(`${client}: what goes wrong meanwhile ends the load, and is told`, async t => {
    const { target, sockets } = await startEchoServer(t)
    const failing = async (): Promise<void> => {
      throw new Error('not today')
    }
    await assert.rejects(runLoad(runner, target, counted, failing), /^Error: not today$/)
    await Promise.all([...sockets.clients].map(socket => new Promise(closed => socket.once('close', closed))))
  })

  test(`${client}: connections that do not open are told, and nothing waits for them`, async t => {
    const port = await startFaultyServer(t, { response: () => 'HTTP/1.1 403 Forbidden\r\n\r\n' })
    const never = () => assert.fail('all connections are said to be open')
    await assert.rejects(runLoad(runner, { port, pid: process.pid }, counted, never), /handshake: HTTP\/1.1 403/)
  })

  test(`${client}: with a rate, messages do not wait for echoes`, async t => {
    const waiting: Buffer[] = []
    const port = await startFaultyServer(t, {
      echo: ({ first, payload }) => {
        waiting.push(frame(first, payload))
        return waiting.length < 5 ? Buffer.alloc(0) : Buffer.concat(waiting)
      },
    })
    const request: LoadRequest = {
      ...{ connections: 1, octets: 20, depth: 5, opcode: 'text' },
      span: { count: 5, rate: 100, bound: 30 },
    }
    const { messages } = await runLoad(runner, { port, pid: process.pid }, request)
    assert.equal(messages, 5)
  })

  test(`${client}: a rate needs a depth that it does not reach`, async t => {
    const port = await startFaultyServer(t, { echo: () => Buffer.alloc(0) })
    const request: LoadRequest = {
      ...{ connections: 1, octets: 20, depth: 2, opcode: 'text' },
      span: { count: 3, rate: 100, bound: 1 },
    }
    const load = runLoad(runner, { port, pid: process.pid }, request)
    await assert.rejects(load, /2 messages in flight: --rate needs a greater DEPTH|took longer than/)
  })

  test(`${client}: a load can be ended early`, async t => {
    const { target, sockets } = await startEchoServer(t)
    const end = new AbortController()
    sockets.once('connection', socket => socket.once('message', () => end.abort()))
    const request: LoadRequest = { ...SHAPE, span: { seconds: 60, warmup: 0 } }
    await assert.rejects(runLoad({ ...runner, signal: end.signal }, target, request), { name: 'AbortError' })
  })
}
