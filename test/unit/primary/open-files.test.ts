import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openFilesLimit, openFilesWarning, parseProcLimits } from '../../../src/primary/open-files.js'

const PROC_LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max cpu time              unlimited            unlimited            seconds
Max processes             127189               127189               processes
Max open files            1024                 1048576              files
Max locked memory         8388608              8388608              bytes
`

describe('parseProcLimits', () => {
  it('reads soft and hard limit', () => {
    assert.deepEqual(parseProcLimits(PROC_LIMITS), { soft: 1024, hard: 1_048_576 })
  })

  it('reads unlimited as infinity', () => {
    const text = 'Max open files            unlimited            unlimited            files'
    assert.deepEqual(parseProcLimits(text), { soft: Number.POSITIVE_INFINITY, hard: Number.POSITIVE_INFINITY })
  })

  it('finds nothing in another text', () => {
    assert.equal(parseProcLimits('Max cpu time  unlimited  unlimited  seconds'), undefined)
  })
})

describe('openFilesWarning', () => {
  it('names the limit and the number needed', () => {
    const warning = openFilesWarning({ soft: 1024, hard: 4096 }, 65_536) ?? ''
    assert.match(warning, /the limit of 1024 open files is too low for max-connections 65536:/)
    assert.match(warning, /`ulimit -n 65792`/)
    assert.match(warning, /\b4096\b/)
  })

  it('takes one connection for a limit', () => {
    assert.match(openFilesWarning({ soft: 256, hard: 256 }, 1) ?? '', /for max-connections 1: .*`ulimit -n 257`/)
  })

  it('is silent from max-connections + 256 on', () => {
    assert.notEqual(openFilesWarning({ soft: 1255, hard: 1255 }, 1000), undefined)
    assert.equal(openFilesWarning({ soft: 1256, hard: 1256 }, 1000), undefined)
  })

  it('reckons with 4096 connections when their number is not limited', () => {
    assert.match(openFilesWarning({ soft: 4351, hard: 4351 }, 0) ?? '', /for 4096 connections: .*`ulimit -n 4352`/)
    assert.equal(openFilesWarning({ soft: 4352, hard: 4352 }, 0), undefined)
  })
})

describe('openFilesLimit', () => {
  it('knows the limit of this process', () => {
    const limit = openFilesLimit()
    assert.ok(limit && limit.soft > 0 && limit.soft <= limit.hard)
  })
})
