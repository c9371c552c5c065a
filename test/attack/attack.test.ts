// What needs no clock: the harness judges and prints what it measured, and under each attack the service goes on.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { RawClient } from '../support/raw-client.js'
import { Service } from '../support/service.js'
import { type Attack, type Measured, missed } from './attack.js'
import { ATTACKS } from './attacks.js'
import { CHECKS } from './checks.js'
import { header, note, row } from './table.js'
import { TESTED } from './tested.js'

const MEASURED: Measured = { p50: 1.26, p99: 12.5, p99After: 2, memory: 99.6, givenBack: 3.25 }
const ATTACK: Attack = {
  ...{ name: 'pokes', does: 'pokes at it', options: [], honest: ['plain'] },
  begin: async () => () => {},
  bounds: { p50: 5, p99: 12.5, p99After: 2, memory: 100, givenBack: 3.25 },
}

test('a bound is missed when more was measured, or when memory never came back', () => {
  assert.deepEqual(missed(MEASURED, ATTACK.bounds), [])
  assert.deepEqual(missed(MEASURED, { p50: 1.25, p99: 12.4, memory: 99 }), ['p50', 'p99', 'memory'])
  assert.deepEqual(missed({ ...MEASURED, givenBack: undefined }, ATTACK.bounds), ['givenBack'])
  assert.deepEqual(missed({ ...MEASURED, givenBack: undefined }, {}), [])
})

test('the table tells what was measured, what is allowed, and whether that was kept', () => {
  assert.match(header(), /^attack +p50 × +p99 × +after × +MiB +back s +at most\n-+$/)
  assert.match(
    row(ATTACK, MEASURED),
    /^pokes +1\.3 +13 +2\.0 +100 +3\.3 +p50 5, p99 12\.5, after 2, 100 MiB, 3\.25 s +pass\n {2}pokes at it$/,
  )
  assert.match(row(ATTACK, { ...MEASURED, p50: 50, givenBack: undefined }), / never .* FAIL: p50, givenBack\n/)
  assert.equal(note(ATTACK, 'not measured'), `${'pokes'.padEnd(28)}not measured\n  pokes at it`)
})

test('attacks have names of their own, and each has a bound', () => {
  assert.equal(new Set(ATTACKS.map(({ name }) => name)).size, ATTACKS.length)
  for (const { name, bounds } of ATTACKS) assert.ok(Object.keys(bounds).length > 0, name)
})

test('what other tests prove is found where it is said to be', async () => {
  for (const { file, pattern = '' } of TESTED) {
    const compiled = await readFile(new URL(`../${file}`, import.meta.url), 'utf8')
    assert.match(compiled, new RegExp(pattern))
  }
})

/** The others take gigabytes without a limit, or a process of their own: `npm run attack` runs those. */
const SMALL = [
  'final blocks',
  'zeros',
  'replies that do not deflate',
  'out of files',
  'above the limit',
  'refused handshakes',
]
for (const attack of ATTACKS.filter(({ name }) => SMALL.includes(name)))
  test(`under attack by ${attack.name}, honest clients are served and no worker dies`, async t => {
    const service = new Service(['--workers', '2', ...attack.options], {}, attack.openFiles)
    t.after(() => service.stop())
    await service.listening()
    const before = (await service.workers()).map(({ pid }) => pid)
    const honest = await RawClient.open(service.port)
    const stop = await attack.begin(service)
    for (const payload of ['one', 'two', 'three']) {
      honest.send({ opcode: 1, payload })
      assert.equal((await honest.readFrame()).payload.toString(), payload)
    }
    stop()
    // When the attackers are gone, newcomers are served.
    const newcomer = await service.until(
      () => RawClient.open(service.port).catch(() => undefined),
      client => client !== undefined,
    )
    newcomer?.send({ opcode: 8 })
    await newcomer?.readToEnd()
    newcomer?.destroy()
    honest.destroy()
    assert.deepEqual(
      (await service.workers()).map(({ pid }) => pid),
      before,
    )
  })

for (const { name, run } of CHECKS)
  test(`${name}: all is as it should be`, async t => {
    const service = new Service(['--workers', '2'])
    t.after(() => service.stop())
    const { told, passed } = await run(await service.listening())
    assert.ok(passed, told)
  })
