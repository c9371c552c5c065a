import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ALL_CASES, byNumber, quickCases, selectCases, stepOf } from '../../autobahn/cases.js'

describe('cases of the suite', () => {
  it('are 517, each once, in the order of their numbers', () => {
    assert.equal(ALL_CASES.length, 517)
    assert.equal(new Set(ALL_CASES).size, 517)
    assert.equal(ALL_CASES[0], '1.1.1')
    assert.equal(ALL_CASES.at(-1), '13.7.18')
    assert.ok(ALL_CASES.indexOf('2.11') < ALL_CASES.indexOf('3.1'))
    assert.deepEqual(['10.1.1', '2.10', '9.8.6', '2.9'].sort(byNumber), ['2.9', '2.10', '9.8.6', '10.1.1'])
  })

  it('are chosen by patterns that stand for the whole name', () => {
    assert.deepEqual(selectCases('10.*, 12.4.3'), ['10.1.1', '12.4.3'])
    assert.equal(selectCases('1.*').length, 16)
    assert.equal(selectCases('*').length, 517)
    assert.deepEqual(selectCases('7.13.1,7.13.*'), ['7.13.1', '7.13.2'])
  })

  it('refuse a pattern that names none', () => {
    assert.throws(() => selectCases('1.*,1'), /no case of the suite is called 1$/)
    assert.throws(() => selectCases('13.8.*'), RangeError)
    assert.throws(() => selectCases(''), RangeError)
  })

  it('are, to be quick, 1 to 10 whole and five of each group of 12 and 13', () => {
    const quick = quickCases()
    assert.equal(quick.length, 301 + 12 * 5)
    assert.deepEqual(
      quick.filter(id => stepOf(id) === '13.7'),
      ['13.7.1', '13.7.2', '13.7.3', '13.7.4', '13.7.11'],
    )
  })

  it('are reported in steps: a family, or a group of 12 and 13', () => {
    assert.equal(new Set(ALL_CASES.map(stepOf)).size, 9 + 12)
  })
})
