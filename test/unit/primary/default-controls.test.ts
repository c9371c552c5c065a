// The default controls as the primary counts them, and its talk with the workers about them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ActionTarget, ConnectionAction } from '../../../src/messages.js'
import { type ControlledWorker, ControlsDesk } from '../../../src/primary/controls-desk.js'
import { DefaultControls } from '../../../src/primary/default-controls.js'

const ALL = { count: undefined, share: undefined, seed: undefined }

test('the option is the default until an admin puts another, and after that is taken back', () => {
  const defaults = new DefaultControls('delay=1s')
  assert.deepEqual(defaults.inForce, { controls: 'delay=1s', from: 'option', left: null, share: null, seed: null })
  assert.equal(defaults.limited, false)
  defaults.put({ ...ALL, controls: 'close=1001' })
  assert.deepEqual(defaults.inForce, { controls: 'close=1001', from: 'admin', left: null, share: null, seed: null })
  assert.equal(defaults.limited, false)
  defaults.clear()
  assert.equal(defaults.inForce.controls, 'delay=1s')
  assert.equal(new DefaultControls(undefined).inForce.controls, null)
})

test('a count is for so many handshakes, then the option is back', () => {
  const defaults = new DefaultControls('delay=1s')
  defaults.put({ ...ALL, controls: 'close=1001', count: 2 })
  assert.ok(defaults.limited)
  assert.equal(defaults.claim(), 'close=1001')
  assert.equal(defaults.inForce.left, 1)
  assert.equal(defaults.claim(), 'close=1001')
  assert.equal(defaults.limited, false)
  assert.equal(defaults.claim(), 'delay=1s')
  defaults.put({ ...ALL, controls: 'close=1001', count: 1 })
  assert.equal(defaults.claim(), 'close=1001')
  assert.equal(defaults.claim(), 'delay=1s')
})

test('a share is drawn for each handshake, repeatably, and a count counts those that get it', () => {
  const fates = (seed: number): boolean[] => {
    const defaults = new DefaultControls(undefined)
    defaults.put({ ...ALL, controls: 'close=1001', share: 0.5, seed })
    return Array.from({ length: 200 }, () => defaults.claim() !== null)
  }
  assert.deepEqual(fates(1), fates(1))
  assert.notDeepEqual(fates(1), fates(2))
  const struck = fates(1).filter(fate => fate).length
  assert.ok(struck > 75 && struck < 125, String(struck))
  const counted = new DefaultControls(undefined)
  counted.put({ controls: 'close=1001', count: 3, share: 0.5, seed: 1 })
  assert.equal(Array.from({ length: 100 }, () => counted.claim()).filter(claim => claim !== null).length, 3)
  const never = new DefaultControls(undefined)
  never.put({ ...ALL, controls: 'close=1001', share: 0 })
  assert.equal(never.claim(), null)
  assert.equal(typeof never.inForce.seed, 'number')
})

class FakeWorker implements ControlledWorker {
  readonly heard: unknown[] = []

  constructor(readonly number: number) {}

  setDefaultControls(question: number, controls: string | null, limited: boolean): void {
    this.heard.push(['default', question, controls, limited])
  }

  answerClaim(opening: number, controls: string | null): void {
    this.heard.push(['claimed', opening, controls])
  }

  act(question: number, target: ActionTarget, action: ConnectionAction): void {
    this.heard.push(['act', question, target, action])
  }
}

test('a change is done when the workers have heard it; those that have not are named', async () => {
  const [one, two, stuck] = [1, 2, 2].map(number => new FakeWorker(number))
  const desk = new ControlsDesk(
    undefined,
    () => [one, two, stuck],
    worker => worker !== stuck,
  )
  const change = desk.put({ ...ALL, controls: 'delay=1s', count: 1 })
  assert.deepEqual(one.heard, [['default', 1, 'delay=1s', true]])
  desk.answered(one, { type: 'default-controls-set', question: 1 })
  desk.answered(two, { type: 'default-controls-set', question: 1 })
  assert.deepEqual(await change, {
    inForce: { controls: 'delay=1s', from: 'admin', left: 1, share: null, seed: null },
    unasked: [2],
  })
  const back = desk.clear()
  assert.deepEqual(one.heard.at(-1), ['default', 2, null, false])
  desk.answered(one, { type: 'default-controls-set', question: 2 })
  desk.answered(two, { type: 'default-controls-set', question: 2 })
  assert.deepEqual(await back, {
    inForce: { controls: null, from: 'option', left: null, share: null, seed: null },
    unasked: [2],
  })
})

test('the last claim of a count ends the asking; those that asked meanwhile get nothing', () => {
  const worker = new FakeWorker(1)
  const desk = new ControlsDesk(
    undefined,
    () => [worker],
    () => true,
  )
  void desk.put({ ...ALL, controls: 'delay=1s', count: 1 })
  desk.answered(worker, { type: 'default-controls-set', question: 1 })
  desk.claimed(worker, 7)
  desk.claimed(worker, 8)
  assert.deepEqual(worker.heard.slice(1), [
    ['claimed', 7, 'delay=1s'],
    ['default', 2, null, false],
    ['claimed', 8, null],
  ])
  desk.gone(worker)
})

test('a fresh worker is told what an admin put, and nothing else', () => {
  const worker = new FakeWorker(1)
  const desk = new ControlsDesk<FakeWorker>(
    'delay=1s',
    () => [],
    () => true,
  )
  desk.join(worker)
  assert.deepEqual(worker.heard, [])
  void desk.put({ ...ALL, controls: 'close=1001' })
  desk.join(worker)
  assert.deepEqual(worker.heard, [['default', 0, 'close=1001', false]])
})

test('an action is done by all workers, and tells which connections it was done to', async () => {
  const workers = [new FakeWorker(1), new FakeWorker(2), new FakeWorker(3)]
  const desk = new ControlsDesk(
    undefined,
    () => workers,
    () => true,
  )
  const acted = desk.act({ id: 5 }, { act: 'abort' })
  assert.deepEqual(workers[1].heard, [['act', 1, { id: 5 }, { act: 'abort' }]])
  desk.answered(workers[0], { type: 'acted', question: 1, done: [20, 3], busy: [] })
  desk.answered(workers[1], { type: 'acted', question: 1, done: [1], busy: [9, 8] })
  desk.gone(workers[2])
  assert.deepEqual(await acted, { done: [1, 3, 20], busy: [8, 9], unasked: [] })
})
