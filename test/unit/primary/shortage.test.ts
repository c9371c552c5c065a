import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Logger } from 'pino'
import { OCCASION_INTERVAL, Occasional } from '../../../src/occasional.js'
import { Shortages } from '../../../src/primary/shortage.js'

describe('what may happen often', () => {
  it('is told at once, then now and then with how often', () => {
    let now = 5
    const told: number[] = []
    const occasional = new Occasional(
      times => told.push(times),
      () => now,
    )
    occasional.happened()
    assert.deepEqual(told, [1])
    now += OCCASION_INTERVAL - 1
    occasional.happened()
    occasional.happened()
    assert.deepEqual(told, [1])
    now += 1
    occasional.happened()
    assert.deepEqual(told, [1, 3])
  })
})

describe('shortages', () => {
  const lines: [{ times: number }, string][] = []
  const log = { warn: (...line: [{ times: number }, string]) => lines.push(line) } as unknown as Logger

  it('leave room for connections up to the limit but for what else needs files', () => {
    const shortages = new Shortages({ soft: 400, hard: 400 }, log)
    assert.equal(shortages.hasRoom(335), true)
    assert.equal(shortages.hasRoom(336), false)
    assert.equal(new Shortages({ soft: 10, hard: 10 }, log).hasRoom(63), true)
    assert.equal(new Shortages({ soft: 10, hard: 10 }, log).hasRoom(64), false)
    assert.equal(new Shortages(undefined, log).hasRoom(1e9), true)
  })

  it('are counted and told by kind', () => {
    const shortages = new Shortages(undefined, log)
    for (let i = 0; i < 3; i++) shortages.note('turned_away')
    shortages.note('undelivered')
    assert.deepEqual(shortages.counts, { turned_away: 3, accept_failed: 0, undelivered: 1 })
    assert.deepEqual(
      lines.map(([{ times }]) => times),
      [1, 1],
    )
    assert.match(lines[0][1], /closed unanswered/)
    assert.match(lines[1][1], /did not reach a worker/)
  })
})
