import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ALL_CASES, byNumber, stepOf } from '../../autobahn/cases.js'
import { partition } from '../../autobahn/partition.js'

describe('partition', () => {
  it('gives each case to one share and keeps steps together', () => {
    const shares = partition(ALL_CASES, 4)
    assert.equal(shares.length, 4)
    assert.deepEqual(shares.flat().sort(byNumber), ALL_CASES)
    const steps = shares.flatMap(share => [...new Set(share.map(stepOf))])
    assert.equal(steps.length, new Set(steps).size)
  })

  it('begins with the longest steps, each in a share of its own', () => {
    const first = partition(ALL_CASES, 3).map(share => stepOf(share[0]))
    assert.deepEqual(first.sort(), ['12.2', '12.3', '12.5'])
  })

  it('puts short steps together beside a long one', () => {
    assert.deepEqual(partition(['12.2.10', '1.1.1', '2.1', '10.1.1'], 2), [['12.2.10'], ['1.1.1', '2.1', '10.1.1']])
  })

  it('makes no share without cases', () => {
    assert.deepEqual(partition(['12.4.3', '12.4.4'], 8), [['12.4.3', '12.4.4']])
  })
})
