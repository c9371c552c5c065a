import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLOSE_WAITS, CODEC_FULL, FlowControl, HIGH_WATER, NEXT_TURN } from '../../../src/worker/flow-control.js'

function flowControl(): { flow: FlowControl; calls: string[]; changes: number[][] } {
  const calls: string[] = []
  const changes: number[][] = []
  const flow = new FlowControl(
    { highWaterMark: 1000, lowWaterMark: 100, maxMessage: 50 },
    {
      stopReading: () => calls.push('stop'),
      startReading: () => calls.push('start'),
      queueTurn: () => calls.push('turn'),
      reasonsChanged: (before, after) => changes.push([before, after]),
    },
  )
  return { flow, calls, changes }
}

test('reading stops with the first reason and starts again after the last', () => {
  const { flow, calls } = flowControl()
  flow.hold(HIGH_WATER)
  flow.hold(CODEC_FULL)
  flow.hold(CODEC_FULL)
  assert.ok(flow.paused)
  flow.release(HIGH_WATER)
  flow.release(CLOSE_WAITS)
  assert.deepEqual(calls, ['stop'])
  flow.release(CODEC_FULL)
  flow.release(CODEC_FULL)
  assert.deepEqual(calls, ['stop', 'start'])
  assert.equal(flow.paused, false)
})

test('each change of the reasons is told, and nothing else', () => {
  const { flow, changes } = flowControl()
  flow.release(HIGH_WATER)
  flow.hold(HIGH_WATER)
  flow.hold(HIGH_WATER)
  flow.hold(NEXT_TURN)
  flow.release(HIGH_WATER)
  flow.releaseAll()
  flow.releaseAll()
  flow.hold(NEXT_TURN)
  flow.gone()
  flow.gone()
  assert.deepEqual(changes, [
    [0, HIGH_WATER],
    [HIGH_WATER, HIGH_WATER + NEXT_TURN],
    [HIGH_WATER + NEXT_TURN, NEXT_TURN],
    [NEXT_TURN, 0],
    [0, NEXT_TURN],
    [NEXT_TURN, 0],
  ])
})

test('the rest of a chunk gets its turn once nothing else holds the connection', () => {
  const { flow, calls } = flowControl()
  flow.hold(NEXT_TURN)
  flow.hold(CODEC_FULL)
  assert.ok(flow.has(NEXT_TURN))
  assert.equal(flow.hasOnly(NEXT_TURN), false)
  flow.release(CODEC_FULL)
  assert.ok(flow.hasOnly(NEXT_TURN))
  assert.deepEqual(calls, ['stop', 'turn'])
  flow.release(NEXT_TURN)
  assert.deepEqual(calls, ['stop', 'turn', 'start'])
})

test('releaseAll forgets every reason, and starts reading only if there was one', () => {
  const { flow, calls } = flowControl()
  flow.releaseAll()
  assert.deepEqual(calls, [])
  flow.hold(HIGH_WATER)
  flow.hold(NEXT_TURN)
  flow.releaseAll()
  assert.deepEqual(calls, ['stop', 'start'])
  assert.equal(flow.paused, false)
})

test('between messages the high-water mark rules; a message that has begun may come to its end', () => {
  const { flow } = flowControl()
  assert.equal(flow.isAbove(1000, false), false)
  assert.equal(flow.isAbove(1001, false), true)
  assert.equal(flow.isAbove(1050, true), false)
  assert.equal(flow.isAbove(1051, true), true)
})

test('at the low-water mark reading goes on', () => {
  const { flow, calls } = flowControl()
  flow.hold(HIGH_WATER)
  flow.onProgress(101)
  assert.deepEqual(calls, ['stop'])
  flow.onProgress(100)
  assert.deepEqual(calls, ['stop', 'start'])
})
