// Which controls an opening gets: by its URL, by default, by the primary's word, or a refusal.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UpgradeRules } from '../../../src/protocol/upgrade-request.js'
import {
  type Decision,
  missingDeflate,
  OpeningControls,
  rulesWith,
} from '../../../src/worker/opening/opening-controls.js'
import { settingsFor } from '../../support/fake-transport.js'

function bench(...flags: string[]) {
  const asked: number[] = []
  const controls = new OpeningControls(
    settingsFor('--controls', 'on', ...flags),
    3,
    () => {},
    opening => asked.push(opening),
    run => run(),
  )
  const decide = (opening: number, query: string): Decision[] => {
    const decisions: Decision[] = []
    controls.decide(opening, query, decision => decisions.push(decision))
    return decisions
  }
  return { controls, asked, decide }
}

test('a query concerns controls only where it may name one, or there is a default', () => {
  const { controls } = bench()
  assert.deepEqual(
    ['', 'a=b', 'eb-delay=1s', 'a=b&eb-nonsense'].map(query => controls.concern(query)),
    [false, false, true, true],
  )
  controls.setDefault('delay=1s', false)
  assert.ok(controls.concern(''))
  controls.setDefault(null, false)
  assert.equal(controls.concern(''), false)
  const off = new OpeningControls(
    settingsFor('--controls', 'off'),
    1,
    () => {},
    () => {},
  )
  assert.equal(off.concern('eb-delay=1s'), false)
})

test('what the URL asks for goes before the default; what it asks for wrongly is a 400', () => {
  const { controls, decide, asked } = bench()
  controls.setDefault('delay=1s', true)
  assert.deepEqual(decide(1, 'eb-delay=2s'), [{ controls: { delay: 2000 }, from: 'url' }])
  const [refused] = decide(2, 'eb-delay=never')
  assert.ok(refused !== undefined && 'status' in refused)
  assert.deepEqual([refused.status, refused.reason], [400, 'bad_control'])
  assert.deepEqual(asked, [])
})

test('a default that is limited is for the primary to grant, once for each opening', () => {
  const { controls, decide, asked } = bench()
  controls.setDefault('delay=1s', false)
  assert.deepEqual(decide(1, ''), [{ controls: { delay: 1000 }, from: 'default' }])
  controls.setDefault('delay=1s', true)
  const [granted, denied, gone] = [decide(2, ''), decide(3, ''), decide(4, '')]
  assert.deepEqual([asked, granted, denied, gone], [[2, 3, 4], [], [], []])
  controls.granted(2, 'delay=3s')
  controls.granted(2, 'delay=3s')
  controls.granted(3, null)
  controls.forget(4)
  controls.granted(4, 'delay=3s')
  assert.deepEqual([granted, denied, gone], [[{ controls: { delay: 3000 }, from: 'default' }], [undefined], []])
})

test('a default may have what no URL may ask for', () => {
  const { controls, decide } = bench('--default-controls', 'cookie=a=1')
  const [refused] = decide(1, 'eb-cookie=a=1')
  assert.ok(refused !== undefined && 'status' in refused)
  const byDefault = [{ controls: { cookie: 'a=1' }, from: 'default' }]
  assert.deepEqual(decide(2, ''), byDefault)
  controls.setDefault('cookie=b=2', true)
  const granted = decide(3, '')
  controls.granted(3, 'cookie=a=1')
  assert.deepEqual(granted, byDefault)
})

test('what needs compression is refused where none is agreed', () => {
  assert.equal(missingDeflate({ compress: 'always' }, true), undefined)
  assert.equal(missingDeflate({ compress: 'never' }, false), undefined)
  assert.equal(missingDeflate({}, false), undefined)
  const refused = missingDeflate({ compress: 'always' }, false)
  assert.deepEqual([refused?.status, refused?.reason], [400, 'bad_control'])
})

test('a handshake that asks for controls waits for its turn, and one that is forgotten meanwhile is not decided', () => {
  const turns: (() => void)[] = []
  const asked: number[] = []
  const controls = new OpeningControls(
    settingsFor('--controls', 'on'),
    1,
    () => {},
    opening => asked.push(opening),
    decide => void turns.push(decide),
  )
  controls.setDefault('delay=1s', true)
  const decisions: Decision[] = []
  controls.decide(1, 'eb-delay=2s', decision => decisions.push(decision))
  controls.decide(2, '', decision => decisions.push(decision))
  controls.forget(2)
  assert.deepEqual(decisions, [])
  for (const decide of turns) decide()
  assert.deepEqual(decisions, [{ controls: { delay: 2000 }, from: 'url' }])
  assert.deepEqual(asked, [])
})

test('what a handshake may agree on is what its controls leave', () => {
  const compression = { contextTakeover: true, windowBits: 15 }
  const rules = { path: '/a', origins: ['o'], subprotocols: ['x', 'y'], compression } as unknown as UpgradeRules
  const without = { ...compression, contextTakeover: false }
  assert.deepEqual(rulesWith({}, rules), { ...rules, compression: without })
  assert.deepEqual(rulesWith({ subprotocol: 'z' }, rules), { ...rules, subprotocols: ['z'], compression: without })
  assert.deepEqual(rulesWith({ compression: 'off' }, rules), { ...rules, compression: undefined })
  assert.deepEqual(rulesWith({}, { ...rules, compression: undefined }).compression, undefined)
})
