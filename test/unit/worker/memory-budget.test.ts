import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Holder, LITTLE, MemoryBudget } from '../../../src/worker/memory-budget.js'

const MIB = 2 ** 20

/** A connection that holds what it is told to, and lets go when it is closed. */
class FakeHolder implements Holder {
  held = 0
  paused = false
  closed = false
  readonly #budget: MemoryBudget

  constructor(budget: MemoryBudget) {
    this.#budget = budget
  }

  hold(octets: number): this {
    const before = this.held
    this.held = octets
    this.#budget.change(this, before, octets)
    return this
  }

  pauseForMemory(): void {
    this.paused = true
  }

  resumeAfterMemory(): void {
    this.paused = false
  }

  closeForMemory(): void {
    this.closed = true
    const before = this.held
    this.held = 0
    this.#budget.forget(this, before)
  }
}

function budgetOf(octets: number): { budget: MemoryBudget; holder: (octets?: number) => FakeHolder } {
  const budget = new MemoryBudget(octets)
  return { budget, holder: (octets = 0) => new FakeHolder(budget).hold(octets) }
}

test('what is held is the sum of all', () => {
  const { budget, holder } = budgetOf(100 * MIB)
  const first = holder(3 * MIB)
  const second = holder(1000)
  assert.equal(budget.held, 3 * MIB + 1000)
  first.hold(MIB)
  assert.equal(budget.held, MIB + 1000)
  budget.forget(first, MIB)
  budget.forget(second, 1000)
  assert.equal(budget.held, 0)
})

test('near its end those that hold more than most are paused, and go on when there is room', () => {
  const { holder } = budgetOf(100 * MIB)
  const large = holder(60 * MIB)
  const medium = holder(14 * MIB)
  assert.deepEqual([large.paused, medium.paused], [false, false])
  medium.hold(16 * MIB)
  assert.equal(medium.paused, false)
  large.hold(61 * MIB)
  assert.ok(large.paused)
  const little = holder(LITTLE)
  assert.equal(little.paused, false)
  medium.hold(15 * MIB)
  assert.ok(large.paused)
  medium.hold(MIB)
  assert.equal(large.paused, false)
  assert.deepEqual([large.closed, medium.closed, little.closed], [false, false, false])
})

test('at its end the one that holds most is closed, whoever grew', () => {
  const { budget, holder } = budgetOf(100 * MIB)
  const large = holder(50 * MIB)
  const other = holder(30 * MIB)
  const growing = holder(10 * MIB)
  assert.equal(large.closed, false)
  growing.hold(11 * MIB)
  assert.ok(large.closed)
  assert.deepEqual([other.closed, growing.closed], [false, false])
  assert.equal(budget.held, 41 * MIB)
})

test('those that hold little are neither paused nor closed as long as anybody holds much', () => {
  const { budget, holder } = budgetOf(100 * MIB)
  const large = [40, 30, 19].map(size => holder(size * MIB))
  const little = Array.from({ length: 160 }, () => holder(LITTLE))
  assert.ok(budget.held <= 100 * MIB)
  assert.ok(large.some(({ closed }) => closed))
  assert.ok(little.every(({ closed, paused }) => !closed && !paused))
})

test('many that hold little use what is kept for them, and no more', () => {
  const { budget, holder } = budgetOf(10 * MIB)
  const little = Array.from({ length: 100 }, () => holder(LITTLE))
  assert.equal(little.filter(({ closed }) => closed).length, 20)
  assert.ok(budget.held <= 10 * MIB)
})

for (const [sizes, paused, closed] of [
  [[60, 20], 1, 1],
  [[30, 26, 12, 11], 2, 2],
] as const)
  test(`being paused has an end: of ${sizes.join(', ')} MiB the ${closed} largest are closed, and the others go on`, () => {
    const { budget, holder } = budgetOf(100 * MIB)
    const holders = sizes.map(size => holder(size * MIB))
    for (const each of holders.slice(0, paused)) each.hold(each.held + 1)
    assert.deepEqual(
      holders.map(each => each.paused),
      holders.map((_, i) => i < paused),
    )
    budget.sweep(1_000)
    budget.sweep(10_999)
    assert.ok(holders.every(each => !each.closed))
    budget.sweep(11_000)
    assert.deepEqual(
      holders.map(each => each.closed),
      holders.map((_, i) => i < closed),
    )
    assert.ok(holders.slice(closed).every(each => !each.paused))
  })

test('a pause that has ended does not count for the next', () => {
  const { budget, holder } = budgetOf(100 * MIB)
  const large = holder(76 * MIB)
  budget.sweep(1_000)
  large.hold(10 * MIB)
  budget.sweep(2_000)
  large.hold(76 * MIB)
  budget.sweep(11_500)
  budget.sweep(21_499)
  assert.equal(large.closed, false)
  budget.sweep(21_500)
  assert.ok(large.closed)
})

test('who is gone is not resumed', () => {
  const { budget, holder } = budgetOf(100 * MIB)
  const large = holder(80 * MIB)
  assert.ok(large.paused)
  budget.forget(large, large.held)
  assert.ok(large.paused)
  assert.equal(budget.held, 0)
})
