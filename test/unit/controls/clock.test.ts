import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FairClock } from '../../../src/controls/clock.js'
import { FakeClock } from '../../support/fake-clock.js'

/** A clock of fake time, and turns of the event loop that a test runs by hand. */
function open() {
  const machine = new FakeClock()
  const turns: (() => void)[] = []
  const clock = new FairClock(machine, run => void turns.push(run))
  const ran: string[] = []
  /** Work that takes so many milliseconds. */
  const work =
    (name: string, milliseconds = 0) =>
    (): void => {
      ran.push(name)
      machine.time += milliseconds
    }
  return { machine, turns, clock, ran, work, turn: () => turns.shift()?.() }
}

test('what is due runs in its order in the next turn, and no turn is asked for without need', () => {
  const { machine, turns, clock, ran, work, turn } = open()
  clock.wait(20, work('b'))
  clock.wait(10, work('a'))
  clock.wait(20, work('c'))
  machine.pass(9)
  assert.equal(turns.length, 0)
  machine.pass(11)
  assert.deepEqual(ran, [])
  assert.equal(turns.length, 1)
  turn()
  assert.deepEqual(ran, ['a', 'b', 'c'])
  assert.equal(turns.length, 0)
})

test('a turn ends after a millisecond; the rest is done in the next ones', () => {
  const { machine, ran, clock, work, turn, turns } = open()
  for (const name of ['a', 'b', 'c', 'd']) clock.wait(10, work(name, 0.5))
  clock.wait(10, work('e', 30))
  clock.wait(10, work('f'))
  machine.pass(10)
  turn()
  assert.deepEqual(ran.splice(0), ['a', 'b'])
  turn()
  assert.deepEqual(ran.splice(0), ['c', 'd'])
  turn()
  assert.deepEqual(ran.splice(0), ['e'])
  turn()
  assert.deepEqual(ran.splice(0), ['f'])
  assert.equal(turns.length, 0)
})

test('what comes to be due during a turn is behind the others', () => {
  const { machine, clock, ran, work, turn } = open()
  clock.wait(10, work('long', 5))
  clock.wait(10, work('waits'))
  machine.pass(10)
  clock.wait(1, work('later'))
  turn()
  machine.pass(1)
  turn()
  assert.deepEqual(ran, ['long', 'waits', 'later'])
})

test('what is stopped does not run: before its time, and while it waits for its turn', () => {
  const { machine, clock, ran, work, turn, turns } = open()
  const same = work('same')
  const stops = [clock.wait(5, same), clock.wait(10, same), clock.wait(10, same)]
  stops[0]()
  machine.pass(10)
  stops[1]()
  turn()
  assert.deepEqual(ran, ['same'])
  stops[2]()
  assert.equal(turns.length, 0)
})

test('after a turn in which all was stopped, what is due asks for a turn again', () => {
  const { machine, clock, ran, work, turn } = open()
  const stop = clock.wait(5, work('never'))
  machine.pass(5)
  stop()
  turn()
  clock.wait(5, work('runs'))
  machine.pass(5)
  turn()
  assert.deepEqual(ran, ['runs'])
})

test('what is to be done soon waits behind what is due, and for a turn', () => {
  const { machine, clock, ran, work, turn, turns } = open()
  clock.wait(5, work('due'))
  machine.pass(5)
  clock.soon(work('soon', 2))
  clock.soon(work('later'))
  assert.deepEqual(ran, [])
  assert.equal(turns.length, 1)
  turn()
  assert.deepEqual(ran, ['due', 'soon'])
  turn()
  assert.deepEqual(ran, ['due', 'soon', 'later'])
})
