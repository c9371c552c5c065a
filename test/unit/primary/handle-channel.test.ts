// Both ends of the way of a handle where Node's IPC pipe is not as expected, fails, or closes in the middle.

import assert from 'node:assert/strict'
import type { Worker } from 'node:cluster'
import { Socket } from 'node:net'
import { mock, type TestContext, test } from 'node:test'
import { closeCopy, HandleChannel, receiveHandles } from '../../../src/handle-channel.js'
import type { Handover } from '../../../src/messages.js'

const HANDOVER: Handover = { type: 'handover', id: 7, admission: 503, deadline: 1234 }
const HANDLE = { handle: true }
const EPIPE = -32

interface Request {
  oncomplete(): void
}

function bench(result: number | null) {
  const written: { request: Request; text: string; handle: object }[] = []
  const sent: unknown[][] = []
  const pipe = {
    writeUtf8String(request: Request, text: string, handle: object): number {
      written.push({ request, text, handle })
      return result ?? 0
    },
  }
  const worker = {
    process: { [Symbol('kChannelHandle')]: result === null ? null : pipe },
    send: (...args: unknown[]) => void sent.push(args),
  }
  const channel = new HandleChannel(worker as unknown as Worker)
  let done = 0
  return { channel, written, sent, done: () => done, onWritten: () => void done++ }
}

test('a handle goes with one line of JSON, and is needed until the write is done', () => {
  const { channel, written, done, onWritten } = bench(0)
  assert.ok(channel.direct)
  channel.send(HANDOVER, HANDLE, onWritten)
  assert.deepEqual(JSON.parse(written[0].text), { cmd: 'NODE_HANDLE', ...HANDOVER })
  assert.ok(written[0].text.endsWith('}\n'))
  assert.equal(written[0].handle, HANDLE)
  assert.equal(done(), 0)
  written[0].request.oncomplete()
  assert.equal(done(), 1)
})

test('after a write that fails at once, as to a worker that has just died, the handle is not needed', () => {
  const { channel, done, onWritten } = bench(EPIPE)
  channel.send(HANDOVER, HANDLE, onWritten)
  assert.equal(done(), 1)
})

test("without a pipe as expected, and for sockets, it goes Node's own way", t => {
  const without = bench(null)
  assert.equal(without.channel.direct, false)
  without.channel.send(HANDOVER, HANDLE, without.onWritten)
  assert.deepEqual(without.sent, [[HANDOVER, HANDLE, { keepOpen: true }, without.onWritten]])

  const direct = bench(0)
  const socket = new Socket()
  direct.channel.send(HANDOVER, socket, direct.onWritten)
  assert.deepEqual([direct.sent.length, direct.written.length], [1, 0])

  const { binding } = process as unknown as { binding: unknown }
  t.after(() => Object.assign(process, { binding }))
  for (const spoilt of [() => ({}), () => assert.fail('no such module')]) {
    Object.assign(process, { binding: spoilt })
    assert.equal(bench(0).channel.direct, false)
  }
})

function receiver(t: TestContext) {
  const kinds = ['internalMessage', 'message'] as const
  const before = kinds.map(kind => process.listeners(kind as 'message'))
  t.after(() => {
    kinds.forEach((kind, i) => {
      process.removeAllListeners(kind)
      for (const listener of before[i]) process.on(kind as 'message', listener)
    })
  })
  const got: [number, unknown][] = []
  receiveHandles(({ id }, connection) => void got.push([id, connection]))
  const emit = process.emit.bind(process) as (event: string, ...args: unknown[]) => boolean
  return { got, emit }
}

test('a worker takes hand-overs with their handles, and nothing else', t => {
  const { got, emit } = receiver(t)
  const message = { cmd: 'NODE_HANDLE', ...HANDOVER }
  emit('internalMessage', message, HANDLE)
  // Node's own listener must not take it for its own.
  assert.equal(message.cmd, '')
  emit('internalMessage', { cmd: 'NODE_HANDLE', ...HANDOVER, id: 8 }, null)
  emit('internalMessage', { cmd: 'NODE_CLUSTER', ...HANDOVER }, HANDLE)
  emit('internalMessage', { cmd: 'NODE_HANDLE', type: 'net.Server' }, HANDLE)
  emit('message', { ...HANDOVER, id: 9 }, HANDLE)
  emit('message', { ...HANDOVER, id: 10 }, undefined)
  emit('message', { type: 'revoke', id: 11 }, undefined)
  assert.deepEqual(got, [
    [7, HANDLE],
    [8, undefined],
    [9, HANDLE],
    [10, undefined],
  ])
})

test('a copy is closed, handle or socket', () => {
  const close = mock.fn()
  closeCopy({ close })
  assert.equal(close.mock.callCount(), 1)
  const socket = new Socket()
  closeCopy(socket)
  assert.ok(socket.destroyed)
})
