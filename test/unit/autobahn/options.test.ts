import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseOptions, UsageError } from '../../autobahn/options.js'

describe('options of the runner', () => {
  it('run all cases on all cores and reconcile, unless told otherwise', () => {
    const { cases, jobs, reconcile, url, serviceOptions } = parseOptions([])
    assert.equal(cases.length, 517)
    assert.ok(jobs >= 1)
    assert.deepEqual({ reconcile, url, serviceOptions }, { reconcile: true, url: undefined, serviceOptions: [] })
  })

  it('pass on what is behind --', () => {
    const { cases, jobs, serviceOptions } = parseOptions(['--cases', '2.*', '--jobs', '3', '--', '--workers', '1'])
    assert.equal(cases.length, 11)
    assert.equal(jobs, 3)
    assert.deepEqual(serviceOptions, ['--workers', '1'])
  })

  it('do not leave out the reconciliation without being told so', () => {
    assert.equal(parseOptions(['--url', 'ws://a', '--no-reconcile']).reconcile, false)
    assert.equal(parseOptions(['--url', 'ws://a', '--admin-url', 'http://b']).reconcile, true)
    assert.throws(() => parseOptions(['--url', 'ws://a']), UsageError)
  })

  it('through a proxy the counts are compared as well', () => {
    const { throughNghttpx, reconcile } = parseOptions(['--through', 'nghttpx'])
    assert.deepEqual([throughNghttpx, reconcile, parseOptions([]).throughNghttpx], [true, true, false])
  })

  for (const [args, message] of [
    [['--through', 'nginx'], /--through takes nghttpx/],
    [['--through', 'nghttpx', '--url', 'ws://a', '--no-reconcile'], /--through is for/],
    [['--frobnicate'], /--frobnicate/],
    [['--jobs', '0'], /--jobs takes a number from 1/],
    [['--jobs', '1.5'], /not 1\.5/],
    [['--cases', '99.*'], /no case of the suite is called 99/],
    [['--cases', '1.*', '--quick'], /exclude each other/],
    [['--admin-url', 'http://b'], /goes with --url/],
    [['--url', 'ws://a', '--no-reconcile', '--', '--workers', '1'], /behind --/],
    [['quick'], /quick/],
  ] as const)
    it(`refuse ${args.join(' ')}`, () => assert.throws(() => parseOptions(args), { message }))
})
