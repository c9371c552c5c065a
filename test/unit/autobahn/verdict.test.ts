import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { reasonOf, verdictOf } from '../../autobahn/verdict.js'
import { sampleCase } from '../../support/autobahn-samples.js'

describe('verdict', () => {
  it('is ok only when behaviour and close are OK', () => {
    assert.equal(verdictOf(sampleCase()), 'ok')
    for (const behavior of ['NON-STRICT', 'UNIMPLEMENTED', 'FAILED', 'INFORMATIONAL'])
      assert.equal(verdictOf(sampleCase({ id: '6.4.1', behavior })), 'failed', behavior)
    for (const behaviorClose of ['UNCLEAN', 'WRONG CODE', 'FAILED BY CLIENT', 'FAILED', 'INFORMATIONAL'])
      assert.equal(verdictOf(sampleCase({ behaviorClose })), 'failed', behaviorClose)
  })

  it('is informational for three cases, and for nothing but that word', () => {
    const informational = { behavior: 'INFORMATIONAL', behaviorClose: 'INFORMATIONAL' }
    for (const id of ['7.1.6', '7.13.1', '7.13.2']) {
      assert.equal(verdictOf(sampleCase({ id, ...informational })), 'informational')
      assert.equal(verdictOf(sampleCase({ id, ...informational, behaviorClose: 'UNCLEAN' })), 'failed')
      assert.equal(verdictOf(sampleCase({ id, behavior: 'FAILED' })), 'failed')
    }
  })

  it('gives its reasons', () => {
    const unclean = { behaviorClose: 'UNCLEAN', resultClose: 'must be clean', wasNotCleanReason: 'peer went away' }
    assert.equal(reasonOf(sampleCase(unclean)), 'close UNCLEAN: must be clean; peer went away')
    assert.equal(reasonOf(sampleCase({ behavior: 'FAILED', result: 'no echo' })), 'FAILED: no echo')
  })
})
